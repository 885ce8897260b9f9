import { accountId } from '../ingest/playback-events.ts';

/**
 * - journey: the latest 20 steps of an account: when, which title, on which device, how much of it
 * - hop3: an account's titles, who else watched them, and what else those watched: at most 300 edges a hop, the newest of the hop, 99 days back
 *   (nobody's lookback of 100 days ends inside while the benchmark runs)
 */
export const questionNames = ['journey', 'hop3'] as const;
export type QuestionName = (typeof questionNames)[number];

export const steps = 20;
export const hopEdges = 300;
export const lookbackMs = 99 * 86_400_000;

/** As each server words it, the same for all accounts but for the account's id. */
export interface Question {
  readonly query: string;
  readonly variables: (account: string) => Readonly<Record<string, unknown>>;
  /** What the answer says, in a form that is equal when two servers say the same. Throws when it says something else. */
  readonly read: (data: string) => CanonicalAnswer;
}

export type Questions = Readonly<Record<QuestionName, Question>>;

/** Steps, newest first, each as one line; or ids of titles, sorted. */
export type CanonicalAnswer = readonly string[];

export interface CanonicalStep {
  readonly atMs: number;
  readonly title: string;
  readonly name: string;
  readonly device: string;
  readonly seconds: number;
  readonly completion: number;
  readonly reason: string;
}

export function canonicalStep(step: CanonicalStep): string {
  const { atMs, title, name, device, seconds, completion, reason } = step;
  return JSON.stringify([atMs, title, name, device, seconds, completion, reason]);
}

export function canonicalIds(ids: readonly string[]): CanonicalAnswer {
  return [...new Set(ids)].sort();
}

/** Two parts between which any account's id makes a whole body. */
export function bodyParts({
  query,
  variables,
}: Pick<Question, 'query' | 'variables'>): readonly [string, string] {
  const placeholder = accountId(0);
  const [before, after, more] = JSON.stringify({ query, variables: variables(placeholder) }).split(
    placeholder,
  );
  if (before === undefined || after === undefined || more !== undefined)
    throw new Error('a question names its account once');
  return [before, after];
}
