import { type GraphQLFieldConfig, type GraphQLFieldConfigMap, GraphQLID, GraphQLNonNull } from 'graphql';
import type { ApiContext } from './api-context.ts';
import { costOfNode } from './cost/field-cost.ts';
import { type GraphNode, graphNode } from './graph-node-type.ts';
import { readNodeRef } from './node-arguments.ts';
import type { Reads } from './policy/reads.ts';
import { gone, TypedTypes } from './typed-edges/typed-types.ts';
import type { TypedNode, TypedPlan } from './typed-plan.ts';

/** `account(id)` for each node type of a plan. */
export function typedRootFields(plan: TypedPlan): GraphQLFieldConfigMap<unknown, ApiContext> {
  const types = new TypedTypes(plan);
  return Object.fromEntries(plan.nodes.map((node) => [node.rootField, rootField(node, types)]));
}

function rootField(
  typed: TypedNode,
  types: TypedTypes,
): GraphQLFieldConfig<unknown, ApiContext, { readonly id: string }> {
  const { nodeType: type, declared } = typed;
  return {
    type: types.of(typed),
    description: `The ${type} of that id; null when nothing has mentioned it since it was deleted, or ever.`,
    args: { id: { type: new GraphQLNonNull(GraphQLID) } },
    resolve: async (_source, { id }, { reader, reads }): Promise<GraphNode | null> => {
      const ref = readNodeRef('type', 'id', type, id);
      reads.take();
      const view = await reader.node(ref);
      return view === null ? null : graphNode(view);
    },
    extensions: { cost: costOfNode, reads: { operation: 'node', nodeType: type } satisfies Reads },
    ...(declared ? {} : gone),
  };
}
