import {
  type GraphQLFieldConfig,
  GraphQLID,
  GraphQLInterfaceType,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLSchema,
  GraphQLString,
} from 'graphql';
import type { Lineage, NodeRef, NodeView, PropertyValue } from '../graph-store/index.ts';
import { graphqlTypeName } from '../schemas/index.ts';
import type { ApiContext } from './api-context.ts';
import { nodeJourneyField } from './journey-field.ts';
import { lineageType } from './lineage-type.ts';
import { propertiesObject } from './node-type.ts';
import { jsonScalar } from './scalars.ts';

/** What the fields of a typed node are read from. */
export interface GraphNode {
  readonly node: NodeRef;
  readonly values: ReadonlyMap<string, PropertyValue | readonly PropertyValue[]>;
  readonly lineage: Lineage | null;
}

/** Marks a field that needs the node to be read; of a node that an edge leads to, the others are known from the edge. */
export const readsNode = { readsNode: true } as const;

/**
 * What every typed node has beside its properties. Each name here is one that no property can have as a typed field: hence
 * `nodeType`, since events that say `type` of a title or an offer are common.
 */
export const graphNodeFields: Readonly<Record<string, GraphQLFieldConfig<GraphNode, ApiContext>>> = {
  id: { type: new GraphQLNonNull(GraphQLID), resolve: ({ node }) => node.id },
  nodeType: {
    type: new GraphQLNonNull(GraphQLString),
    description:
      'As the graph has it, such as `Account` or `live_event`; `__typename` is what GraphQL calls it.',
    resolve: ({ node }) => node.type,
  },
  properties: {
    type: new GraphQLNonNull(jsonScalar),
    description: 'All of them by name, also those without a field of their own.',
    extensions: readsNode,
    resolve: ({ values }) => propertiesObject([...values]),
  },
  lineage: {
    type: lineageType,
    extensions: readsNode,
    description:
      'Of what changed its properties last or, while it has none, of its newest edge or step. Null when unknown.',
  },
  journey: nodeJourneyField,
};

/** For clients that take any node: each generated type implements it. */
export const graphNodeType = new GraphQLInterfaceType({
  name: 'GraphNode',
  description: 'A node of any type. Each node type of the graph schema is a type that implements this.',
  fields: graphNodeFields,
  resolveType: ({ node }, _context, { schema }) => typeNameOf(node.type, schema),
});

/** A node whose type has none in GraphQL can still be at the end of an edge. */
export const otherNodeType = new GraphQLObjectType<GraphNode, ApiContext>({
  name: 'OtherNode',
  description:
    'A node whose type has no type of its own in GraphQL: see `nodeType`, and `graphSchema { warnings { sentence } }` for why.',
  interfaces: [graphNodeType],
  fields: graphNodeFields,
});

/** Which object type a node is of; each says in its extensions which node type of the graph it is for. */
function typeNameOf(nodeType: string, schema: GraphQLSchema): string {
  const type = schema.getType(graphqlTypeName(nodeType));
  return type?.extensions.nodeType === nodeType ? type.name : otherNodeType.name;
}

export function graphNode({ node, properties, lineage }: NodeView): GraphNode {
  return { node, values: new Map(properties.map(({ name, value }) => [name, value])), lineage };
}
