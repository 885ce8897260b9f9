import { type Clock, FencedError } from '../../foundation/index.ts';
import {
  createMutationBatch,
  letterLifeOf,
  type MutationBatch,
  type StoreWriter,
} from '../../graph-store/index.ts';
import { OccurrenceWindow } from '../../processors/index.ts';
import type { RecordProcessor } from '../record-processor.ts';
import type { Letter } from './letter.ts';
import { type LetterSources, type OpenLetters, readLetters } from './letter-reader.ts';
import { LetterTrial, lettersInterrupted, type Verdict } from './letter-trial.ts';
import { placeOf, type RetryPlan } from './retry-plan.ts';

export interface RetryParts extends LetterSources {
  readonly processor: RecordProcessor;
  readonly store: StoreWriter;
  readonly clock: Clock;
}

export interface RetryLimits {
  /** Letters in one apply. */
  readonly batchEventsMax: number;
  /** Bytes of packed mutations in one apply; one letter may exceed it. */
  readonly batchBytesMax: number;
  /** Letters that stay behind in one partition: behind so many no later one is looked at. */
  readonly leftMax: number;
}

/** What a partition's trial found out: nothing was changed. */
export interface Tried {
  readonly topic: string;
  readonly open: OpenLetters;
  readonly chosen: readonly bigint[];
  readonly left: readonly bigint[];
  readonly high: bigint;
  readonly more: boolean;
}

export interface PartitionRetry {
  applied: number;
  superseded: number;
  filtered: number;
}

/** Looks at up to `limit` pending letters of a partition. `tell` hears of each. */
export async function tryPartition(
  parts: RetryParts,
  limits: RetryLimits,
  topic: string,
  open: OpenLetters,
  limit: number,
  tell: (letter: Letter, verdict: Verdict) => void,
  signal: AbortSignal,
): Promise<Tried> {
  const { partition, pending } = open;
  const trial = new LetterTrial(parts.processor, topic, partition, parts.clock.now(), signal);
  const chosen: bigint[] = [];
  const left: bigint[] = [];
  let looked = 0;
  let next = later(pending.first, partition.low);
  let more = false;
  reading: for await (const letters of readLetters(parts.letters, partition, next, signal)) {
    for (const letter of letters) {
      const { offset } = letter.record;
      if (pending.has(offset)) {
        if (looked >= limit || left.length >= limits.leftMax) {
          more = true;
          break reading;
        }
        looked += 1;
        const verdict = await trial.judge(letter);
        tell(letter, verdict);
        if (verdict.kind === 'fails' || verdict.kind === 'held') left.push(offset);
        else chosen.push(offset);
      }
      next = offset + 1n;
    }
    // The API has its turn.
    await parts.clock.sleep(0);
    if (signal.aborted) break;
  }
  if (signal.aborted) throw lettersInterrupted();
  // Not looked at and below what earlier rounds saw: pending as before.
  for (const offset of pending.from(next)) left.push(offset);
  const high = later(next, pending.high);
  return { topic, open, chosen, left, high, more };
}

/**
 * Applies what a trial chose, as a life of its own in the store. Order: claim, plan, then batches; each of them moves `(round, offset)` with its
 * mutations. A letter that fails by now after all joins those that stay, in the plan first.
 */
export async function applyChosen(
  parts: RetryParts,
  limits: RetryLimits,
  { topic, open, chosen, left, high }: Tried,
  signal: AbortSignal,
): Promise<PartitionRetry> {
  const life = letterLifeOf(open.partition.source);
  const { epoch, next } = await parts.store.claim(life);
  if (next !== open.position)
    throw new FencedError(`Dead letters of "${topic}" were applied by another retry meanwhile; look again.`);
  const base = next === null ? null : String(next);
  const plan = new PlanInForce({ round: open.pending.nextRound, base, chosen, left, high });
  await parts.plans.save(life, plan.plan);
  const trial = new LetterTrial(parts.processor, topic, open.partition, parts.clock.now(), signal);
  const window = new OccurrenceWindow(limits.batchEventsMax);
  const done: PartitionRetry = { applied: 0, superseded: 0, filtered: 0 };
  let from = next ?? 0n;
  let group = new Group();
  const commit = async (): Promise<void> => {
    if (group.next === null) return;
    if (plan.takeChanged()) await parts.plans.save(life, plan.plan);
    const to = placeOf(plan.plan.round, group.next);
    await parts.store.apply({ source: life, epoch, from, next: to, ...group.counts() }, group.mutations);
    from = to;
    done.applied += group.applied;
    done.superseded += group.superseded;
    done.filtered += group.filtered;
    window.clear();
    group = new Group();
  };
  const first = chosen[0] ?? open.partition.end;
  for await (const letters of readLetters(parts.letters, open.partition, first, signal)) {
    for (const letter of letters) {
      if (signal.aborted) break;
      if (!plan.chooses(letter.record.offset)) continue;
      const verdict = await trial.judge(letter);
      if (verdict.kind === 'fails' || verdict.kind === 'held') plan.leave(letter.record.offset);
      else group.add(letter, verdict, window);
      if (group.isFull(limits)) await commit();
    }
    if (signal.aborted) break;
    await parts.clock.sleep(0);
  }
  await commit();
  if (signal.aborted) throw lettersInterrupted();
  if (plan.takeChanged()) await parts.plans.save(life, plan.plan);
  return done;
}

function later(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

class PlanInForce {
  plan: RetryPlan;
  readonly #chosen: Set<bigint>;
  readonly #left: bigint[];
  #changed = false;

  constructor(plan: RetryPlan) {
    this.plan = plan;
    this.#chosen = new Set(plan.chosen);
    this.#left = [...plan.left];
  }

  chooses(offset: bigint): boolean {
    return this.#chosen.has(offset);
  }

  leave(offset: bigint): void {
    this.#chosen.delete(offset);
    this.#left.push(offset);
    this.#changed = true;
  }

  /** True when what is kept is not what is meant any more. */
  takeChanged(): boolean {
    if (!this.#changed) return false;
    this.#changed = false;
    this.plan = { ...this.plan, chosen: [...this.#chosen], left: [...this.#left] };
    return true;
  }
}

/** What one apply carries. */
class Group {
  readonly mutations: MutationBatch = createMutationBatch();
  applied = 0;
  superseded = 0;
  filtered = 0;
  next: bigint | null = null;
  #newestEventMs = 0;

  add(letter: Letter, verdict: Verdict & { kind: 'applies' | 'filtered' }, window: OccurrenceWindow): void {
    const { value, offset } = letter.record;
    this.next = offset + 1n;
    if (verdict.kind === 'filtered') {
      this.filtered += 1;
      return;
    }
    const { event } = verdict;
    if (value !== null && !window.add(event.occurrence, value)) {
      this.superseded += 1;
      return;
    }
    this.mutations.add(event);
    this.applied += 1;
    this.#newestEventMs = Math.max(this.#newestEventMs, event.timeMs);
  }

  isFull({ batchEventsMax, batchBytesMax }: RetryLimits): boolean {
    return (
      this.applied + this.superseded + this.filtered >= batchEventsMax ||
      this.mutations.sizeBytes >= batchBytesMax
    );
  }

  counts() {
    const { applied, superseded, filtered } = this;
    const consumed = applied + superseded + filtered;
    return {
      fates: { consumed, applied, superseded, filtered, deadLettered: 0 },
      newestEventMs: this.#newestEventMs,
    };
  }
}
