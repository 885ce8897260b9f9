import { assert } from '../../foundation/index.ts';

/**
 * What one round of trying letters again means to do in one partition of `<topic>.dlq`, kept durably before the first of them is applied.
 *
 * Letters that still fail stay behind while later ones pass, so the position alone cannot say what is left. It counts rounds instead:
 * `(round, offset)` in one number, which only grows and moves in the same write as what it covers. With the plan of its round it says of each
 * letter whether it was applied, at any moment at which the process may have ended.
 */
export interface RetryPlan {
  readonly round: number;
  /** The position, as text, over which the plan was made; null when there was none. */
  readonly base: string | null;
  /** What this round applies, in offset order. */
  readonly chosen: readonly bigint[];
  /** Letters below `high` that stay where they are. */
  readonly left: readonly bigint[];
  /** Letters from here on have not been looked at. */
  readonly high: bigint;
}

/** Where plans are kept. One process at a time uses one folder of them. */
export interface RetryPlans {
  /** Null where there is none, or none that can be read: then all letters are tried again, which changes nothing but counts. */
  load(life: PlanName): Promise<RetryPlan | null>;
  /** Durable when it resolves. Throws OutageError DLQ_PLAN_FAILED. */
  save(life: PlanName, plan: RetryPlan): Promise<void>;
}

export interface PlanName {
  readonly cluster: string;
  readonly topicId: string;
  readonly partition: number;
}

const offsetBits = 40n;
const offsetMask = (1n << offsetBits) - 1n;

/** The position behind everything of the round below `offset`, which has to be below 2^40: a trillion letters of one partition. */
export function placeOf(round: number, offset: bigint): bigint {
  assert(offset >= 0n && offset <= offsetMask, 'an offset of a dead-letter topic has 40 bits');
  return (BigInt(round) << offsetBits) | offset;
}

/** Which letters of a partition were not applied yet. */
export class PendingLetters {
  /** The number that the next round has. */
  readonly nextRound: number;
  /** From here on all are pending. */
  readonly high: bigint;
  /** Below `high`. */
  readonly #pending: ReadonlySet<bigint>;

  constructor(plan: RetryPlan | null, position: bigint | null) {
    const round = position === null ? 0 : Number(position >> offsetBits);
    const done = doneUpTo(plan, position, round);
    if (plan === null || done === null) {
      this.nextRound = Math.max(round, plan?.round ?? 0) + 1;
      this.high = 0n;
      this.#pending = new Set();
      return;
    }
    this.nextRound = plan.round + 1;
    this.high = plan.high;
    this.#pending = new Set([...plan.left, ...plan.chosen.filter((offset) => offset >= done)]);
  }

  has(offset: bigint): boolean {
    return offset >= this.high || this.#pending.has(offset);
  }

  /** No letter before it is pending. */
  get first(): bigint {
    let first = this.high;
    for (const offset of this.#pending) if (offset < first) first = offset;
    return first;
  }

  /** The pending ones below `high` that lie at `from` or behind it. */
  from(from: bigint): readonly bigint[] {
    return [...this.#pending].filter((offset) => offset >= from);
  }
}

/** How far the plan's round was applied; null when the plan does not belong to the position, as after a restored snapshot. */
function doneUpTo(plan: RetryPlan | null, position: bigint | null, round: number): bigint | null {
  if (plan === null) return null;
  if (plan.base === (position === null ? null : String(position))) return 0n;
  return position !== null && round === plan.round ? position & offsetMask : null;
}
