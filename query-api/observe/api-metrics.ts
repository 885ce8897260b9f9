import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { StoreMethod } from './metered-reader.ts';
import { ProcessMetrics } from './process-metrics.ts';
import type { QueryRun } from './query-run.ts';

/** Seconds: half a millisecond to ten. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** A series for each name that is shown apart; what comes later is counted as `other`. */
const operationsMax = 200;
const codesMax = 100;

/** Values of a label, at most so many; `other` for the rest. Callers choose some of them. */
class BoundedLabel {
  readonly #known = new Set<string>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#max) return 'other';
    this.#known.add(value);
    return value;
  }
}

/** What the API counts of itself. Names and meanings are in docs/operations.md. */
export class ApiMetrics {
  readonly registry = new Registry();
  readonly #registers = [this.registry];
  readonly #operations = new BoundedLabel(operationsMax);
  readonly #codes = new BoundedLabel(codesMax);
  readonly #stages = new Histogram({
    name: 'journey_graph_query_stage_seconds',
    help: 'Time of a query by stage.',
    labelNames: ['stage'],
    buckets,
    registers: this.#registers,
  });
  readonly #queries = new Histogram({
    name: 'journey_graph_query_seconds',
    help: 'Time of a query from its head to its last byte, by persisted operation; `other` for any other.',
    labelNames: ['operation'],
    buckets,
    registers: this.#registers,
  });
  readonly #prepared = new Counter({
    name: 'journey_graph_prepared_queries_total',
    help: 'Queries that were answered the short way: their document had been asked before, and their answer was data alone.',
    registers: this.#registers,
  });
  readonly #storeCalls = new Histogram({
    name: 'journey_graph_store_call_seconds',
    help: 'Time of a call of the store for a query, by method.',
    labelNames: ['method'],
    buckets,
    registers: this.#registers,
  });
  readonly #storeRows = new Counter({
    name: 'journey_graph_store_rows_total',
    help: 'Rows that the store looked at for queries, by method.',
    labelNames: ['method'],
    registers: this.#registers,
  });
  readonly #storeFailures = new Counter({
    name: 'journey_graph_store_call_failures_total',
    help: 'Calls of the store for a query that failed, by method.',
    labelNames: ['method'],
    registers: this.#registers,
  });
  readonly #errors = new Counter({
    name: 'journey_graph_errors_total',
    help: 'Requests whose answer has an error of this code.',
    labelNames: ['code'],
    registers: this.#registers,
  });
  readonly #requests = new Counter({
    name: 'journey_graph_http_requests_total',
    help: 'HTTP requests by path and status; status 0 when the caller had gone.',
    labelNames: ['path', 'status'],
    registers: this.#registers,
  });
  readonly #inFlight = new Gauge({
    name: 'journey_graph_http_requests_in_flight',
    help: 'HTTP requests that are being answered now.',
    registers: this.#registers,
  });
  readonly #process: ProcessMetrics;

  constructor(now: () => number) {
    this.#process = new ProcessMetrics(this.registry, now);
  }

  received(): void {
    this.#inFlight.inc();
  }

  answered(path: string, status: number, codes: ReadonlySet<string>): void {
    this.#inFlight.dec();
    this.#requests.inc({ path, status: String(status) });
    this.failed(codes);
  }

  /** Each code counts once a request. */
  failed(codes: ReadonlySet<string>): void {
    for (const code of codes) this.#errors.inc({ code: this.#codes.of(code) });
  }

  queried(run: QueryRun): void {
    const named = run.persisted && run.operationName !== null;
    const operation = named ? this.#operations.of(run.operationName ?? '') : 'other';
    this.#queries.observe({ operation }, run.elapsedMs() / 1000);
    if (run.prepared) this.#prepared.inc();
    this.staged(run);
  }

  /** Ends what of it is still open. */
  staged(run: QueryRun): void {
    for (const [stage, ms] of run.close()) this.#stages.observe({ stage }, ms / 1000);
  }

  called(method: StoreMethod, ms: number, rows: number, failed: boolean): void {
    this.#storeCalls.observe({ method }, ms / 1000);
    this.#storeRows.inc({ method }, rows);
    if (failed) this.#storeFailures.inc({ method });
  }

  close(): void {
    this.#process.close();
    this.registry.clear();
  }
}
