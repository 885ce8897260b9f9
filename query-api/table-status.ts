import { GraphQLBoolean, GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLString } from 'graphql';
import { bigIntScalar } from './scalars.ts';
import type { TableState } from './status-reader.ts';

const count = new GraphQLNonNull(bigIntScalar);

const tableStatusType = new GraphQLObjectType<TableState>({
  name: 'LookupTableStatus',
  description: 'A compacted topic in which mappings look rows up, as this process has read it.',
  fields: {
    topic: { type: new GraphQLNonNull(GraphQLString) },
    usable: {
      type: new GraphQLNonNull(GraphQLBoolean),
      description:
        'False while it cannot be read, and until the first that needs it has waited for its end, at the start and after an outage.',
    },
    rows: { type: count },
    bytes: { type: count, description: 'What it takes of `lookup.bytes.max`.' },
    missing: { type: count, description: 'Rows that were not there when their event was decided about.' },
    waits: { type: count, description: 'How often an event began to wait for a row.' },
    unreadable: {
      type: count,
      description: 'Records whose key or row could not be read; they count as missing.',
    },
  },
});

export const tableStatusesType = new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(tableStatusType)));
