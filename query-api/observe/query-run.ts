import { AsyncLocalStorage } from 'node:async_hooks';
import type { Cost } from '../cost/field-cost.ts';
import { addCost, type QueryPlan } from '../cost/query-plan.ts';
import type { RequestTrace } from './tracing.ts';

/** Milliseconds on a clock that only goes forward, with fractions. */
export type Stopwatch = () => number;

/**
 * `admit` is who asks and whether there is room for them. `estimate` lies within `execute`; `event` (a read for a subscription) and `freeze` (of an audience)
 * are runs of their own.
 */
export type Stage =
  | 'admit'
  | 'parse'
  | 'validate'
  | 'cost'
  | 'execute'
  | 'serialize'
  | 'estimate'
  | 'event'
  | 'freeze';

interface Open {
  readonly stage: Stage;
  readonly sinceMs: number;
  readonly endSpan: () => void;
}

/** Reads outside any field that says its cost count for it. */
const noField = '';
const noCost: Cost = { calls: 0, rows: 0 };
/** Which field a read is made for: what a resolver awaits before it reads does not lose it. */
const fieldNow = new AsyncLocalStorage<string>();

export function insideField<T>(path: string, resolve: () => T): T {
  return fieldNow.run(path, resolve);
}

/** What is known of one request while it is answered; only numbers and names, never what a variable holds. */
export class QueryRun {
  readonly requestId: string;
  readonly trace: RequestTrace;
  readonly #stopwatch: Stopwatch;
  readonly #beganMs: number;
  readonly #spent = new Map<Stage, number>();
  readonly #open = new Map<Stage, Open>();
  /** Of which there may be several of one kind at once; null until there is one. */
  #parts: Set<Open> | null = null;
  readonly #fields = new Map<string, Cost>();
  /** Of its errors, as the caller sees them. */
  readonly codes = new Set<string>();
  /** As the operation calls itself. */
  operationName: string | null = null;
  /** True when its document is one of the persisted operations: then its name is one of few. */
  persisted = false;
  /** True when it was answered the short way. */
  prepared = false;
  /** The caller wants to be told the cost. */
  readonly tellsCost: boolean;
  plan: QueryPlan | null = null;
  used: Cost = noCost;

  /** `arrivedMs` is when its request came, where that was before now: until now it was being admitted. */
  constructor(
    requestId: string,
    trace: RequestTrace,
    stopwatch: Stopwatch,
    tellsCost: boolean,
    arrivedMs: number | null = null,
  ) {
    this.requestId = requestId;
    this.trace = trace;
    this.tellsCost = tellsCost;
    this.#stopwatch = stopwatch;
    const nowMs = stopwatch();
    this.#beganMs = arrivedMs ?? nowMs;
    if (arrivedMs !== null) this.#spent.set('admit', nowMs - arrivedMs);
  }

  elapsedMs(): number {
    return this.#stopwatch() - this.#beganMs;
  }

  begin(stage: Stage): void {
    this.#open.set(stage, { stage, sinceMs: this.#stopwatch(), endSpan: this.trace.stage(stage) });
  }

  /** Nothing when it was not begun: a request may be answered before it comes to a stage. */
  end(stage: Stage): void {
    const open = this.#open.get(stage);
    if (open === undefined) return;
    this.#open.delete(stage);
    this.#ended(open);
  }

  /** What a request may have several of at once: their times are added up. */
  async timed<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
    const parts = this.#parts ?? new Set();
    this.#parts = parts;
    const open = { stage, sinceMs: this.#stopwatch(), endSpan: this.trace.part(stage) };
    parts.add(open);
    try {
      return await work();
    } finally {
      if (parts.delete(open)) this.#ended(open);
    }
  }

  /** Ends what a deadline or an error left open; milliseconds by stage. */
  close(): ReadonlyMap<Stage, number> {
    for (const stage of this.#open.keys()) this.end(stage);
    for (const part of this.#parts ?? []) this.#ended(part);
    this.#parts?.clear();
    return this.#spent;
  }

  #ended({ stage, sinceMs, endSpan }: Open): void {
    endSpan();
    this.#spent.set(stage, (this.#spent.get(stage) ?? 0) + this.#stopwatch() - sinceMs);
  }

  /** Before a call of the store: one that fails has been made too. */
  countCall(): void {
    this.#count({ calls: 1, rows: 0 });
  }

  /** Within the field that made the call. */
  countRows(rows: number): void {
    this.#count({ calls: 0, rows });
  }

  /** What was really used for a field of the plan. */
  usedBy(path: string): Cost {
    return this.#fields.get(path) ?? noCost;
  }

  #count(more: Cost): void {
    this.used = addCost(this.used, more);
    const path = fieldNow.getStore() ?? noField;
    this.#fields.set(path, addCost(this.usedBy(path), more));
  }
}
