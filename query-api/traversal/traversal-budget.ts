import type { Clock } from '../../foundation/index.ts';
import type { QueryLimits } from '../api-context.ts';
import type { Cost } from '../cost/field-cost.ts';
import type { Grant } from '../policy/grant.ts';

/** What one request's traversals may use together. Whatever is used up first ends them, and the answer says so. */
export type BudgetKind = 'EDGES' | 'HELD' | 'BYTES' | 'DEADLINE';

export interface Spent {
  readonly kind: BudgetKind;
  /** The bound, in rows, nodes and edges, bytes or milliseconds. */
  readonly limit: number;
}

export interface BudgetLimits {
  /** Rows that the store looks at. */
  readonly rowsMax: number;
  /** Nodes and edges held in memory. */
  readonly heldMax: number;
  readonly bytesMax: number;
  /** Milliseconds from the beginning of the request. */
  readonly spanMs: number;
}

const heldMax = 100_000;
const heldBytesMax = 32 * 2 ** 20;
/** Of a request's time: the rest is for making the answer of what was found, which is better than none. */
const deadlineShare = 0.8;
/** Of the rows that its caller may spend on a request: the rest is for the nodes of the answer. */
const rowsShare = 0.8;

/**
 * Policy: stop and say. A traversal that meets a bound answers with what it has and names the bound; nothing is refused half way.
 * No call may ask for more rows than are left, so rows are never overdrawn; what is held is counted as it is kept.
 *
 * One thing is counted only when a call has ended: what a policy looks at to decide which ends of edges its caller sees, beyond one row an end. Where its
 * rules lead over edges that can be more than was set aside; then the query is refused after all.
 */
export class TraversalBudget {
  readonly #limits: BudgetLimits;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #endMs: number;
  readonly #rowsOfRequest: () => number;
  #rows = 0;
  #held = 0;
  #bytes = 0;
  /** Settled when the traversal before has ended. */
  #before: Promise<unknown> = Promise.resolve();

  /** `rowsOfRequest`: how many rows the request as a whole has left for edges; it reads more than traversals. */
  constructor(
    limits: BudgetLimits,
    clock: Clock,
    signal: AbortSignal,
    rowsOfRequest = (): number => Number.POSITIVE_INFINITY,
  ) {
    this.#limits = limits;
    this.#rowsOfRequest = rowsOfRequest;
    this.#clock = clock;
    this.#signal = signal;
    this.#endMs = clock.now() + limits.spanMs;
  }

  get rowsMax(): number {
    return this.#limits.rowsMax;
  }

  get rowsLeft(): number {
    return Math.max(0, Math.min(this.#limits.rowsMax - this.#rows, this.#rowsOfRequest()));
  }

  get bytesMax(): number {
    return this.#limits.bytesMax;
  }

  get bytesLeft(): number {
    return Math.max(0, this.#limits.bytesMax - this.#bytes);
  }

  scanned(rows: number): void {
    this.#rows += rows;
  }

  hold(items: number, bytes: number): void {
    this.#held += items;
    this.#bytes += bytes;
  }

  /** Null while more may be read. Asked between the calls of the store. */
  spent(): Spent | null {
    const { rowsMax, heldMax: itemsMax, bytesMax, spanMs } = this.#limits;
    if (this.#signal.aborted || this.#clock.now() >= this.#endMs) return { kind: 'DEADLINE', limit: spanMs };
    if (this.rowsLeft === 0) return { kind: 'EDGES', limit: rowsMax };
    if (this.#held >= itemsMax) return { kind: 'HELD', limit: itemsMax };
    return this.#bytes >= bytesMax ? { kind: 'BYTES', limit: bytesMax } : null;
  }

  /** The traversals of a request one after the other: together they would each see what is left, and take it twice. */
  async inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#before.then(run, run);
    this.#before = turn;
    return await turn;
  }

  /** Lets others have their turn: a hop over busy nodes is many calls, and may not be one long one. */
  async turn(): Promise<void> {
    await this.#clock.sleep(0, this.#signal);
  }
}

/** What of its caller bounds a request's traversals. */
export interface CallerBounds {
  readonly budget: Cost;
  /** Grows while the request reads. */
  readonly run: { readonly used: Cost };
  readonly grant: Pick<Grant, 'seesEveryNode'> | null;
}

/** Of a request that begins now. */
export function createTraversalBudget(
  { traversalRowsMax, deadlineMs }: Pick<QueryLimits, 'traversalRowsMax' | 'deadlineMs'>,
  clock: Clock,
  signal: AbortSignal,
  { budget, run, grant }: CallerBounds,
): TraversalBudget {
  const spanMs = Math.floor(deadlineMs * deadlineShare);
  const rowsOfCaller = Math.max(1, Math.floor(budget.rows * rowsShare));
  const rowsMax = Math.min(traversalRowsMax, rowsOfCaller);
  // An edge is a row, and the node at its end another one where it may have to be hidden.
  const rowsOfEdge = grant === null || grant.seesEveryNode ? 1 : 2;
  const rowsOfRequest = (): number => Math.floor((rowsOfCaller - run.used.rows) / rowsOfEdge);
  return new TraversalBudget(
    { rowsMax, heldMax, bytesMax: heldBytesMax, spanMs },
    clock,
    signal,
    rowsOfRequest,
  );
}
