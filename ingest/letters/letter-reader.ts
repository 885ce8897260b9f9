import type { SourceStatus } from '../../graph-store/index.ts';
import { letterLifeOf } from '../../graph-store/index.ts';
import { type Letter, readLetter } from './letter.ts';
import type { LetterLog, LetterPartition } from './letter-log.ts';
import { PendingLetters, type RetryPlans } from './retry-plan.ts';

/** What everything that looks at letters reads. */
export interface LetterSources {
  readonly letters: LetterLog;
  readonly plans: RetryPlans;
  /** Positions of the store, letters' among them. */
  sources(): Promise<readonly SourceStatus[]>;
}

export interface OpenLetters {
  readonly partition: LetterPartition;
  readonly pending: PendingLetters;
  /** Of the letters' life; null when none was ever applied. */
  readonly position: bigint | null;
}

/** The partitions of a topic's letters, with what is still to be applied of them. */
export async function openLetters(parts: LetterSources, topic: string): Promise<readonly OpenLetters[]> {
  const [partitions, stored] = [await parts.letters.partitions(topic), await parts.sources()];
  return await Promise.all(
    partitions.map(async (partition) => {
      const life = letterLifeOf(partition.source);
      const known = stored.find(
        ({ source }) =>
          source.cluster === life.cluster &&
          source.topicId === life.topicId &&
          source.partition === life.partition,
      );
      const position = known === undefined || known.next === 0n ? null : known.next;
      const plan = await parts.plans.load(life);
      return { partition, position, pending: new PendingLetters(plan, position) };
    }),
  );
}

/** Letters in offset order, a fetch at a time. */
export async function* readLetters(
  log: LetterLog,
  partition: LetterPartition,
  from: bigint,
  signal: AbortSignal,
): AsyncGenerator<readonly Letter[]> {
  for await (const records of log.read(partition, from, signal)) yield records.map(readLetter);
}
