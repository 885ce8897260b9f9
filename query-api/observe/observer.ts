import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, Log } from '../../foundation/index.ts';
import type { GraphReader } from '../../graph-store/index.ts';
import type { ApiExtension } from '../api-extension.ts';
import { LearnedDegrees } from '../cost/degree-statistics.ts';
import { problemCodeOf } from '../problem.ts';
import type { StatusReader } from '../status-reader.ts';
import { ApiMetrics } from './api-metrics.ts';
import { registerExtensionMetrics } from './extension-metrics.ts';
import { MeteredReader, type MeteredReaderParts, type StoreWatcher } from './metered-reader.ts';
import { registerPipelineMetrics } from './pipeline-metrics.ts';
import { QueryRun, type Stage, type Stopwatch } from './query-run.ts';
import { SlowQueryLog } from './slow-query-log.ts';
import { RequestTrace } from './tracing.ts';

export const metricsPath = '/metrics';
/** A caller that sends it is told in `extensions.cost` what its query was going to cost and did. */
const costHeader = 'x-query-cost';
/** As which WebSockets are answered: a subscription has no status of its own. */
const switchingProtocols = 101;
const paths = new Set(['/graphql', metricsPath, '/livez', '/healthz', '/readyz']);

export interface ObserverParts {
  readonly reader: GraphReader;
  readonly status: StatusReader;
  readonly clock: Clock;
  readonly log: Log;
  readonly extension?: Pick<ApiExtension, 'metrics'>;
}

type ReaderRules = Pick<MeteredReaderParts, 'budget' | 'signal' | 'tellsUsed'>;

/** All that is known about what the API does: metrics, traces, slow queries, and the degrees that bounds are made of. */
export class Observer {
  readonly degrees = new LearnedDegrees();
  readonly #parts: ObserverParts;
  readonly #metrics: ApiMetrics;
  readonly #slow: SlowQueryLog;
  readonly #stopwatch: Stopwatch;

  constructor(parts: ObserverParts, slowMs: number, stopwatch: Stopwatch) {
    const { clock, log, status, reader } = parts;
    this.#parts = parts;
    this.#stopwatch = stopwatch;
    this.#metrics = new ApiMetrics(stopwatch);
    this.#slow = new SlowQueryLog(slowMs, clock, log);
    registerPipelineMetrics(this.#metrics.registry, { status, reader, clock });
    registerExtensionMetrics(this.#metrics.registry, parts.extension?.metrics ?? []);
  }

  /** Counts a request until its answer is out or its caller has gone. Returns when it came, by the stopwatch. */
  received(request: IncomingMessage, response: ServerResponse): number {
    const path = pathOf(request.url ?? '/');
    this.#metrics.received();
    response.once('close', () => {
      const code = problemCodeOf(response);
      const status = response.writableFinished ? response.statusCode : 0;
      this.#metrics.answered(path, status, new Set(code === null ? [] : [code]));
    });
    return this.#stopwatch();
  }

  /** A GraphQL request that has been admitted. */
  begin(request: IncomingMessage, response: ServerResponse, requestId: string, arrivedMs: number): QueryRun {
    const { traceparent } = request.headers;
    const trace = new RequestTrace(
      typeof traceparent === 'string' ? traceparent : undefined,
      this.#parts.status.version,
      requestId,
    );
    const tellsCost = request.headers[costHeader] === 'true';
    const run = new QueryRun(requestId, trace, this.#stopwatch, tellsCost, arrivedMs);
    response.once('close', () => {
      this.#metrics.failed(run.codes);
      // Counted with the HTTP request already.
      const code = problemCodeOf(response);
      if (code !== null) run.codes.add(code);
      this.#metrics.queried(run);
      this.#slow.ended(run);
      trace.end(run, response.statusCode);
    });
    return run;
  }

  /** What an operation over a WebSocket, and each of its events, is executed with. What it reads has runs {@link apart}. */
  beginLive(requestId: string): QueryRun {
    const trace = new RequestTrace(undefined, this.#parts.status.version, requestId);
    const run = new QueryRun(requestId, trace, this.#stopwatch, false);
    trace.end(run, switchingProtocols);
    return run;
  }

  /**
   * Work that answers no request by itself, such as one read for a subscription: counted anew under the id of whoever asked for it, with a stage, a line in the
   * log when it was slow and a trace of its own.
   */
  async apart<T>(
    { requestId, operationName }: QueryRun,
    stage: Stage,
    work: (run: QueryRun) => Promise<T>,
  ): Promise<T> {
    const trace = new RequestTrace(undefined, this.#parts.status.version, requestId);
    const run = new QueryRun(requestId, trace, this.#stopwatch, false);
    run.operationName = operationName;
    run.begin(stage);
    try {
      return await work(run);
    } finally {
      run.end(stage);
      this.#metrics.staged(run);
      this.#slow.ended(run);
      trace.end(run, null);
    }
  }

  /** Of an answer that is no HTTP response: each code counts once. */
  failed(codes: ReadonlySet<string>): void {
    this.#metrics.failed(codes);
  }

  /** The store as this request may use it. */
  readerFor(run: QueryRun, { budget, signal, tellsUsed }: ReaderRules): GraphReader {
    const { reader } = this.#parts;
    return new MeteredReader({
      reader,
      run,
      signal,
      budget,
      tellsUsed,
      degrees: this.degrees,
      watcher: this.#watcher(run),
    });
  }

  async sendMetrics(response: ServerResponse): Promise<void> {
    const { registry } = this.#metrics;
    const text = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType }).end(text);
  }

  close(): void {
    this.#metrics.close();
  }

  #watcher({ trace }: QueryRun): StoreWatcher {
    return {
      began: (method) => {
        const sinceMs = this.#stopwatch();
        const endSpan = trace.storeCall(method);
        return (rows, error) => {
          this.#metrics.called(method, this.#stopwatch() - sinceMs, rows, error !== null);
          endSpan(rows, error);
        };
      },
    };
  }
}

/** One of few, whatever is asked for. */
function pathOf(url: string): string {
  const path = url.split('?', 1)[0] ?? '/';
  if (path.startsWith('/store/')) return '/store/';
  if (path === '/') return '/';
  return paths.has(path) ? path : 'other';
}
