import { ROOT_CONTEXT, type Span, type SpanContext, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import { createMemoryStore } from '../../graph-store/index.ts';
import { startTestApi } from '../api-testing.ts';
import { traceOf } from './tracing.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

describe('The header traceparent', () => {
  it('gives the trace that the request is part of', () => {
    const parent = trace.getSpanContext(traceOf(`00-${traceId}-${spanId}-01`));
    expect(parent).toEqual({ traceId, spanId, traceFlags: 1, isRemote: true });
    expect(trace.getSpanContext(traceOf(`00-${traceId}-${spanId}-00`))?.traceFlags).toBe(0);
  });

  it.each([
    undefined,
    '',
    'x'.repeat(9000),
    `ff-${traceId}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}`,
  ])('is passed over when it is %j', (header) => {
    expect(traceOf(header)).toBe(ROOT_CONTEXT);
  });
});

interface Recorded {
  readonly name: string;
  readonly id: string;
  readonly parent: SpanContext | undefined;
  readonly attributes: Record<string, unknown>;
  ended: boolean;
}

/** What an SDK would be told. */
function recordSpans(): Recorded[] {
  const spans: Recorded[] = [];
  const startSpan = (name: string, _options: unknown, context: typeof ROOT_CONTEXT): Span => {
    const id = String(spans.length + 1).padStart(16, '0');
    const parent = trace.getSpanContext(context);
    const recorded: Recorded = { name, id, parent, attributes: {}, ended: false };
    spans.push(recorded);
    const span: Span = {
      spanContext: () => ({ traceId: parent?.traceId ?? traceId, spanId: id, traceFlags: 1 }),
      setAttribute: (key, value) => {
        recorded.attributes[key] = value;
        return span;
      },
      setAttributes: (all) => {
        Object.assign(recorded.attributes, all);
        return span;
      },
      addEvent: () => span,
      addLink: () => span,
      addLinks: () => span,
      setStatus: () => span,
      updateName: () => span,
      end: () => {
        recorded.ended = true;
      },
      isRecording: () => true,
      recordException: () => undefined,
    };
    return span;
  };
  const startActiveSpan = (): never => {
    throw new Error('spans are passed, not active');
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan, startActiveSpan }) });
  return spans;
}

afterEach(() => trace.disable());

describe('The spans of a request', () => {
  it('are itself, below whoever sent it, its stages, and its calls of the store below the stage', async () => {
    const spans = recordSpans();
    const server = await startTestApi({ reader: createMemoryStore(systemClock) });
    await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-${spanId}-01` },
      body: JSON.stringify({ query: 'query Who { node(type: "Account", id: "secret-id") { id } }' }),
    });
    // Its last span ends with the connection's answer.
    await server.close();
    const [request] = spans;
    expect(request).toMatchObject({ name: 'graphql', parent: { traceId, spanId } });
    expect(request?.attributes).toMatchObject({
      'journey_graph.request_id': 'request-1',
      'graphql.operation.name': 'Who',
      'http.response.status_code': 200,
      'journey_graph.store_calls': 1,
    });
    const names = ['parse', 'validate', 'cost', 'execute', 'serialize'].map((stage) => `graphql.${stage}`);
    expect(spans.map(({ name }) => name)).toEqual([
      'graphql',
      ...names.slice(0, 4),
      'store.node',
      ...names.slice(4),
    ]);
    const execute = spans.find(({ name }) => name === 'graphql.execute');
    const read = spans.find(({ name }) => name === 'store.node');
    expect(read?.parent?.spanId).toBe(execute?.id);
    expect(read?.attributes).toEqual({ 'journey_graph.rows': 1 });
    expect(spans.every(({ ended }) => ended)).toBe(true);
    expect(JSON.stringify(spans)).not.toContain('secret-id');
  });

  it('cost nothing without an SDK: no span is made but the one that records nothing', async () => {
    const server = await startTestApi();
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-${spanId}-01` },
      body: JSON.stringify({ query: '{ __typename }' }),
    });
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
    await server.close();
  });
});
