import type { ApiContext } from '../api-context.ts';
import { TraversalSession } from './traversal-session.ts';

export interface TopicFreshness {
  readonly topic: string;
  readonly freshnessMs: number | null;
}

/** Runs one walk of the graph when those before it in its request have ended, and adds how fresh each topic is. */
export async function walk<Answer extends object>(
  { reader, reads, traversals, status }: Pick<ApiContext, 'reader' | 'reads' | 'traversals' | 'status'>,
  run: (session: TraversalSession) => Promise<Answer>,
): Promise<Answer & { readonly freshness: readonly TopicFreshness[] }> {
  reads.take();
  const answer = await traversals.inTurn(() => run(new TraversalSession(reader, traversals)));
  const freshness = status.topics().map(({ topic, freshnessMs }) => ({ topic, freshnessMs }));
  return { ...answer, freshness };
}
