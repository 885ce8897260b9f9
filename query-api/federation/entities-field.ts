import {
  type GraphQLFieldConfig,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLObjectType,
  GraphQLScalarType,
  GraphQLUnionType,
} from 'graphql';
import type { NodeRef } from '../../graph-store/index.ts';
import type { ApiContext } from '../api-context.ts';
import { badInput } from '../api-error.ts';
import type { FieldCost } from '../cost/field-cost.ts';
import { type GraphNode, graphNode } from '../graph-node-type.ts';
import { readNodeRef } from '../node-arguments.ts';
import type { Reads } from '../policy/reads.ts';
import type { TypedNode } from '../typed-plan.ts';

/** A router asks for as many at once as a list of another subgraph has; a page of ours has no more either. */
export const representationsMax = 500;
const form = 'objects such as {"__typename": "Account", "id": "acc-000001"}, of a node type of this graph';

interface EntitiesArguments {
  readonly representations: readonly unknown[];
}

/** What a resolver gets of it is checked there. */
const anyScalar = new GraphQLScalarType({
  name: '_Any',
  description: 'What another subgraph knows of a node: its `__typename` and the fields of its key.',
});

const cost: FieldCost<EntitiesArguments> = ({ representations }) => {
  const objects = Math.min(representations.length, representationsMax);
  return { own: { calls: 1, rows: objects }, objects, cheaper: [] };
};

/** `_entities(representations)`: one read of all nodes that a router asks for. */
export function entitiesField(
  nodes: readonly TypedNode[],
  types: readonly GraphQLObjectType[],
): GraphQLFieldConfig<unknown, ApiContext, EntitiesArguments> {
  const nodeTypes = new Map(nodes.map(({ name, nodeType }) => [name, nodeType]));
  const names = new Map(nodes.map(({ name, nodeType }) => [nodeType, name]));
  const entity = new GraphQLUnionType({
    name: '_Entity',
    description: 'Every node type: each can be referred to by its `id`.',
    types: [...types],
    resolveType: ({ node }: GraphNode) => names.get(node.type),
  });
  return {
    type: new GraphQLNonNull(new GraphQLList(entity)),
    description: 'For routers: the nodes that other subgraphs refer to, null where there is none.',
    args: {
      representations: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(anyScalar))) },
    },
    extensions: { cost, reads: { operation: 'node' } satisfies Reads },
    resolve: async (_source, { representations }, { reader, reads }) => {
      if (representations.length > representationsMax) {
        throw badInput('representations', `at most ${representationsMax} of them`);
      }
      const refs = representations.map((representation) => readRepresentation(representation, nodeTypes));
      reads.take();
      const views = await reader.nodes(refs);
      return views.map((view) => (view === null ? null : graphNode(view)));
    },
  };
}

/** Comes from another service, by way of a router: as hostile as anything. Fields beside the key are not looked at. */
function readRepresentation(value: unknown, nodeTypes: ReadonlyMap<string, string>): NodeRef {
  if (!isRecord(value)) throw badInput('representations', form);
  const { __typename: name, id } = value;
  const type = typeof name === 'string' ? nodeTypes.get(name) : undefined;
  const text = typeof id === 'number' && Number.isSafeInteger(id) ? String(id) : id;
  if (type === undefined || typeof text !== 'string') throw badInput('representations', form);
  return readNodeRef('representations', 'representations', type, text);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
