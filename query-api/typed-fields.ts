import {
  type GraphQLFieldConfig,
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
} from 'graphql';
import type { ApiContext } from './api-context.ts';
import { type GraphNode, graphNode, graphNodeFields, graphNodeType } from './graph-node-type.ts';
import { readNodeRef } from './node-arguments.ts';
import type { Reads } from './policy/reads.ts';
import type { TypedField, TypedNode, TypedPlan } from './typed-plan.ts';
import { typedKinds, typedValue } from './typed-value.ts';

const gone = { deprecationReason: 'No mapping in force declares it now; it goes with the next start.' };

/** `account(id)` for each node type of a plan. */
export function typedRootFields({ nodes }: TypedPlan): GraphQLFieldConfigMap<unknown, ApiContext> {
  return Object.fromEntries(nodes.map((node) => [node.rootField, rootField(node)]));
}

function rootField(typed: TypedNode): GraphQLFieldConfig<unknown, ApiContext, { readonly id: string }> {
  const { nodeType: type, declared } = typed;
  return {
    type: objectType(typed),
    extensions: { reads: { operation: 'node', nodeType: type } satisfies Reads },
    description: `The ${type} of that id; null when nothing has mentioned it since it was deleted, or ever.`,
    args: { id: { type: new GraphQLNonNull(GraphQLID) } },
    resolve: async (_source, { id }, { reader, reads }): Promise<GraphNode | null> => {
      const ref = readNodeRef('type', 'id', type, id);
      reads.take();
      const view = await reader.node(ref);
      return view === null ? null : graphNode(view);
    },
    ...(declared ? {} : gone),
  };
}

/** Of each typed node that some schema still has: the next one shares what did not change. */
const made = new WeakMap<TypedNode, GraphQLObjectType<GraphNode, ApiContext>>();

function objectType(typed: TypedNode): GraphQLObjectType<GraphNode, ApiContext> {
  const type = made.get(typed) ?? makeObjectType(typed);
  made.set(typed, type);
  return type;
}

function makeObjectType({ name, nodeType, fields }: TypedNode): GraphQLObjectType<GraphNode, ApiContext> {
  return new GraphQLObjectType<GraphNode, ApiContext>({
    name,
    interfaces: [graphNodeType],
    extensions: { nodeType, reads: { nodeType } satisfies Reads },
    fields: {
      ...graphNodeFields,
      ...Object.fromEntries(fields.map((field) => [field.name, propertyField(nodeType, field)])),
    },
  });
}

function propertyField(nodeType: string, field: TypedField): GraphQLFieldConfig<GraphNode, ApiContext> {
  const { name, property, kind, many, declared } = field;
  const { scalar, note } = typedKinds[kind];
  const path = `${nodeType}.${property}`;
  const renamed = name === property ? '' : `Property \`${property}\`.`;
  const description = [renamed, note].filter((part) => part !== '').join(' ');
  return {
    type: many ? new GraphQLList(new GraphQLNonNull(scalar)) : scalar,
    extensions: { reads: { property } satisfies Reads },
    ...(description === '' ? {} : { description }),
    resolve: ({ values }) => typedValue(field, values.get(property), path),
    ...(declared ? {} : gone),
  };
}
