import type { Clock, Log } from '../../foundation/index.ts';
import type { QueryRun } from './query-run.ts';

/** While everything is slow a line for each query would only make it slower. */
const linesPerSecondMax = 10;
const fieldsMax = 20;
const nameCharactersMax = 100;

/** One line of the log for each query that took too long: what it was going to cost, what it did, and where the time went. */
export class SlowQueryLog {
  readonly #slowMs: number;
  readonly #clock: Clock;
  readonly #log: Log;
  #second = 0;
  #lines = 0;
  /** Since the last line. */
  #skipped = 0;

  constructor(slowMs: number, clock: Clock, log: Log) {
    this.#slowMs = slowMs;
    this.#clock = clock;
    this.#log = log;
  }

  /** After its answer, or after its deadline. */
  ended(run: QueryRun): void {
    const ms = run.elapsedMs();
    if (ms < this.#slowMs && !run.codes.has('DEADLINE_EXCEEDED')) return;
    if (!this.#mayWrite()) return;
    const skipped = this.#skipped === 0 ? {} : { skipped: this.#skipped };
    this.#skipped = 0;
    this.#log.warn({ ...lineOf(run, ms), ...skipped }, 'A query was slow.');
  }

  #mayWrite(): boolean {
    const second = Math.floor(this.#clock.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
    }
    this.#lines += 1;
    if (this.#lines <= linesPerSecondMax) return true;
    this.#skipped += 1;
    return false;
  }
}

function lineOf(run: QueryRun, ms: number): object {
  const { requestId, operationName, plan, used, codes, trace } = run;
  const stages = [...run.close()].map(([stage, spent]) => [stage, tenths(spent)]);
  const fields = (plan?.fields ?? []).slice(0, fieldsMax).map(({ path, times, total }) => {
    const actual = run.usedBy(path);
    return {
      field: path,
      times,
      callsMax: total.calls,
      rowsMax: total.rows,
      calls: actual.calls,
      rows: actual.rows,
    };
  });
  return {
    requestId,
    ...(trace.traceId === null ? {} : { traceId: trace.traceId }),
    operation: operationName?.slice(0, nameCharactersMax) ?? null,
    ms: tenths(ms),
    stages: Object.fromEntries(stages),
    calls: used.calls,
    rows: used.rows,
    plan: fields,
    ...(codes.size === 0 ? {} : { codes: [...codes] }),
  };
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
