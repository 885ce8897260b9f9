import { AsyncLocalStorage } from 'node:async_hooks';
import type { Cost } from '../cost/field-cost.ts';
import { addCost, type QueryPlan } from '../cost/query-plan.ts';
import type { RequestTrace } from './tracing.ts';

/** Milliseconds on a clock that only goes forward, with fractions. */
export type Stopwatch = () => number;

export type Stage = 'parse' | 'validate' | 'cost' | 'execute' | 'serialize';

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
  readonly #open = new Map<Stage, { readonly sinceMs: number; readonly endSpan: () => void }>();
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

  constructor(requestId: string, trace: RequestTrace, stopwatch: Stopwatch, tellsCost: boolean) {
    this.requestId = requestId;
    this.trace = trace;
    this.tellsCost = tellsCost;
    this.#stopwatch = stopwatch;
    this.#beganMs = stopwatch();
  }

  elapsedMs(): number {
    return this.#stopwatch() - this.#beganMs;
  }

  begin(stage: Stage): void {
    this.#open.set(stage, { sinceMs: this.#stopwatch(), endSpan: this.trace.stage(stage) });
  }

  /** Nothing when it was not begun: a request may be answered before it comes to a stage. */
  end(stage: Stage): void {
    const open = this.#open.get(stage);
    if (open === undefined) return;
    this.#open.delete(stage);
    open.endSpan();
    this.#spent.set(stage, (this.#spent.get(stage) ?? 0) + this.#stopwatch() - open.sinceMs);
  }

  /** Ends what a deadline or an error left open; milliseconds by stage. */
  close(): ReadonlyMap<Stage, number> {
    for (const stage of this.#open.keys()) this.end(stage);
    return this.#spent;
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
