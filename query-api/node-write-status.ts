import { GraphQLNonNull, GraphQLObjectType } from 'graphql';
import { bigIntScalar } from './scalars.ts';
import type { NodeWriteState } from './status-reader.ts';

const count = new GraphQLNonNull(bigIntScalar);

export const nodeWritesType = new GraphQLNonNull(
  new GraphQLObjectType<NodeWriteState>({
    name: 'NodeWrites',
    description: 'What became of changes of nodes since this process started.',
    fields: {
      written: { type: count, description: 'Rows written.' },
      suppressed: { type: count, description: 'Left out: the node already was so.' },
      coalesced: {
        type: count,
        description: 'Merged in memory into a row that the same window writes anyway.',
      },
    },
  }),
);
