import { GraphQLInt, GraphQLNonNull, GraphQLObjectType, GraphQLString } from 'graphql';
import type { Lineage } from '../graph-store/index.ts';
import { bigIntScalar } from './scalars.ts';

const text = new GraphQLNonNull(GraphQLString);
const number = new GraphQLNonNull(GraphQLInt);

export const lineageType = new GraphQLObjectType<Lineage>({
  name: 'Lineage',
  description: 'Which record wrote this last, and what it was read with.',
  fields: {
    topic: { type: text },
    partition: { type: number },
    offset: { type: new GraphQLNonNull(bigIntScalar) },
    schemaId: {
      type: GraphQLInt,
      description: "The record's own schema in the registry; null where it goes by GUID.",
      resolve: ({ schemaId }) => (schemaId < 0 ? null : schemaId),
    },
    mappingSubject: {
      type: text,
      description: 'Where the mapping is registered that the record was read by.',
      resolve: ({ mapping }) => mapping.subject,
    },
    mappingVersion: { type: number, resolve: ({ mapping }) => mapping.version },
  },
});
