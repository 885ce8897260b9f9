import { GraphQLEnumType } from 'graphql';

export type EdgeOrder = 'latest' | 'any';

export const edgeOrderType = new GraphQLEnumType({
  name: 'EdgeOrder',
  values: {
    LATEST: { value: 'latest', description: 'Newest first; of a hop, over all nodes that it leaves from.' },
    ANY: {
      value: 'any',
      description:
        'Whichever are found first, which may take fewer reads; the pages of one connection still have one order.',
    },
  },
});
