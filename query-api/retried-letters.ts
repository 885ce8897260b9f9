import { GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLString } from 'graphql';
import { isLetterLife, type SourceStatus } from '../graph-store/index.ts';
import { bigIntScalar } from './scalars.ts';

/** Dead letters of a topic that were applied again. */
export interface RetriedLetters {
  /** Where the letters lie. */
  readonly topic: string;
  readonly applied: number;
  readonly superseded: number;
  readonly filtered: number;
}

const count = new GraphQLNonNull(bigIntScalar);

const retriedLettersType = new GraphQLObjectType<RetriedLetters>({
  name: 'RetriedLetters',
  description:
    'Dead letters that `jg dlq retry` has applied; they count in no topic’s records, lag and freshness.',
  fields: {
    topic: { type: new GraphQLNonNull(GraphQLString), description: 'Where the letters lie.' },
    applied: { type: count },
    superseded: { type: count, description: 'Another letter of the same event was applied.' },
    filtered: { type: count, description: 'Their mapping leaves them out, or there is none.' },
  },
});

export const retriedLettersListType = new GraphQLNonNull(
  new GraphQLList(new GraphQLNonNull(retriedLettersType)),
);

/** By topic, over all partitions and lives. */
export function retriedLetters(sources: readonly SourceStatus[]): readonly RetriedLetters[] {
  const lives = sources.filter(({ source, fates }) => isLetterLife(source) && fates.consumed > 0);
  return [...Map.groupBy(lives, ({ source }) => source.topic)].map(([topic, own]) => {
    const sum = (fate: 'applied' | 'superseded' | 'filtered'): number =>
      own.reduce((total, { fates }) => total + fates[fate], 0);
    return { topic, applied: sum('applied'), superseded: sum('superseded'), filtered: sum('filtered') };
  });
}
