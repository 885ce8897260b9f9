import {
  type GraphQLFieldConfig,
  GraphQLID,
  GraphQLInterfaceType,
  GraphQLNonNull,
  GraphQLString,
} from 'graphql';
import type { Lineage, NodeRef, NodeView, PropertyValue } from '../graph-store/index.ts';
import type { ApiContext } from './api-context.ts';
import { nodeJourneyField } from './journey-field.ts';
import { lineageType } from './lineage-type.ts';
import { propertiesObject } from './node-type.ts';
import { nodeTypeName } from './node-type-name.ts';
import { jsonScalar } from './scalars.ts';

/** What the fields of a typed node are read from. */
export interface GraphNode {
  readonly node: NodeRef;
  readonly values: ReadonlyMap<string, PropertyValue | readonly PropertyValue[]>;
  readonly lineage: Lineage | null;
}

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
    resolve: ({ values }) => propertiesObject([...values]),
  },
  lineage: {
    type: lineageType,
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
  resolveType: ({ node }: GraphNode, _context, { schema }) => nodeTypeName(node.type, schema),
});

export function graphNode({ node, properties, lineage }: NodeView): GraphNode {
  return { node, values: new Map(properties.map(({ name, value }) => [name, value])), lineage };
}
