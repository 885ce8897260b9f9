import { GraphQLID, GraphQLInputObjectType, GraphQLNonNull, GraphQLObjectType, GraphQLString } from 'graphql';
import type { Lineage, NodeRef, PropertyValue } from '../graph-store/index.ts';
import { lineageType } from './lineage-type.ts';
import { jsonScalar, safeNumber } from './scalars.ts';

/** Just which node: what a link points to. */
export const nodeRefType = new GraphQLObjectType<NodeRef>({
  name: 'NodeRef',
  description: 'Which node, without its properties.',
  fields: {
    type: { type: new GraphQLNonNull(GraphQLString), description: 'Node type, such as `Account`.' },
    id: { type: new GraphQLNonNull(GraphQLID) },
  },
});

export const nodeRefInput = new GraphQLInputObjectType({
  name: 'NodeRefInput',
  fields: {
    type: { type: new GraphQLNonNull(GraphQLString), description: 'Node type, such as `Account`.' },
    id: { type: new GraphQLNonNull(GraphQLID) },
  },
});

export interface NodeAnswer extends NodeRef {
  readonly lineage: Lineage | null;
  readonly properties: Readonly<Record<string, unknown>>;
}

export const nodeType = new GraphQLObjectType<NodeAnswer>({
  name: 'Node',
  description: 'A node with the properties that won: for each, the write with the latest event time.',
  fields: {
    type: { type: new GraphQLNonNull(GraphQLString), description: 'Node type, such as `Account`.' },
    id: { type: new GraphQLNonNull(GraphQLID) },
    properties: {
      type: new GraphQLNonNull(jsonScalar),
      description:
        'By name; a list where there are several values. Empty while the node is only known from its edges.',
    },
    lineage: {
      type: lineageType,
      description:
        'Of what changed its properties last or, while it has none, of its newest edge or step. Null when unknown.',
    },
  },
});

/** Property names come from checked mappings; the null prototype keeps even a hostile one harmless. */
export function propertiesObject(
  properties: readonly (readonly [name: string, value: PropertyValue | readonly PropertyValue[]])[],
): Readonly<Record<string, unknown>> {
  const object: Record<string, unknown> = Object.create(null);
  for (const [name, value] of properties) object[name] = propertyAnswer(value);
  return object;
}

/** A property as JSON has it; of a set the list of its elements. */
export function propertyAnswer(value: PropertyValue | readonly PropertyValue[]): unknown {
  if (Array.isArray(value)) return value.map(propertyAnswer);
  return typeof value === 'bigint' ? safeNumber(value) : value;
}
