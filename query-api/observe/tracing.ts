import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { QueryRun, Stage } from './query-run.ts';

/** `00-<trace id>-<span id>-<flags>`, W3C Trace Context. A later version may go on after the flags. */
const traceparent = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** Where a request's trace comes from; the root where its header says nothing that can be read. */
export function traceOf(header: string | undefined): Context {
  const [, traceId, spanId, flags] = traceparent.exec(header ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
  const sampled = (Number.parseInt(flags, 16) & TraceFlags.SAMPLED) === TraceFlags.SAMPLED;
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  const parent = { traceId, spanId, traceFlags, isRemote: true };
  return isSpanContextValid(parent) ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
}

/**
 * The spans of one request: itself, its stages, its calls of the store. Which SDK collects them is the process's matter; without one
 * the request's span records nothing, and then no other is made.
 */
export class RequestTrace {
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #context: Context;
  /** Under which a store call belongs. */
  #inside: Context;

  constructor(header: string | undefined, version: string, requestId: string) {
    this.#tracer = trace.getTracer('journey-graph', version);
    const parent = traceOf(header);
    this.#span = this.#tracer.startSpan('graphql', { kind: SpanKind.SERVER }, parent);
    // Nothing is put under one that records nothing.
    const records = this.#span.isRecording();
    this.#context = records ? trace.setSpan(parent, this.#span) : parent;
    this.#inside = this.#context;
    if (records) this.#span.setAttribute('journey_graph.request_id', requestId);
  }

  /** Null when there is none. */
  get traceId(): string | null {
    const context = this.#span.spanContext();
    return isSpanContextValid(context) ? context.traceId : null;
  }

  stage(name: Stage): () => void {
    if (!this.#span.isRecording()) return nothing;
    const span = this.#tracer.startSpan(`graphql.${name}`, {}, this.#context);
    const before = this.#inside;
    this.#inside = trace.setSpan(this.#context, span);
    return () => {
      this.#inside = before;
      span.end();
    };
  }

  /** One of several at once: calls of the store stay below the stage that it lies in. */
  part(name: Stage): () => void {
    if (!this.#span.isRecording()) return nothing;
    const span = this.#tracer.startSpan(`graphql.${name}`, {}, this.#inside);
    return () => span.end();
  }

  storeCall(method: string): (rows: number, error: unknown) => void {
    if (!this.#span.isRecording()) return nothing;
    const span = this.#tracer.startSpan(`store.${method}`, { kind: SpanKind.CLIENT }, this.#inside);
    return (rows, error) => {
      span.setAttribute('journey_graph.rows', rows);
      if (error !== null) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    };
  }

  /** The status is null of what answers no request by itself. */
  end(run: QueryRun, status: number | null): void {
    if (this.#span.isRecording()) {
      this.#span.setAttributes({
        'journey_graph.store_calls': run.used.calls,
        'journey_graph.store_rows': run.used.rows,
      });
      if (status !== null) this.#span.setAttribute('http.response.status_code', status);
      if (run.operationName !== null)
        this.#span.setAttribute('graphql.operation.name', run.operationName.slice(0, 100));
      if (run.codes.size > 0) {
        this.#span.setAttribute('journey_graph.error_codes', [...run.codes]);
        this.#span.setStatus({ code: SpanStatusCode.ERROR });
      }
    }
    this.#span.end();
  }
}

function nothing(): void {
  // Without an SDK there is nobody to tell.
}
