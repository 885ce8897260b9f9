import { randomUUID } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore } from '../graph-store/index.ts';
import { type ApiServer, queryLimitsDefault, startApiServer } from '../query-api/index.ts';
import type { BenchContext, Benchmark, Figures } from './benchmark.ts';

const loopResolutionMs = 5;
const journey =
  '{ journey(of: {type: "Account", id: "a"}, first: 20) { edges { cursor } pageInfo { endCursor } } }';

function repeated(count: number, write: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => write(i)).join(' ');
}

function body(query: string): RequestInit {
  const headers = { 'content-type': 'application/json' };
  return { method: 'POST', headers, body: JSON.stringify({ query }) };
}

/** What a caller sends who wants the server to work for nothing. */
const hostile: Readonly<Record<string, () => readonly [rest: string, init: RequestInit]>> = {
  'depth 3,000': () => ['', body('{a'.repeat(3000) + '}'.repeat(3000))],
  '20,000 aliases': () => ['', body(`{${repeated(20_000, (i) => `a${i}:id`)}}`)],
  'a ring of fragments': () => [
    '',
    body(`{...F0} ${repeated(30, (i) => `fragment F${i} on Query {...F${(i + 1) % 30}}`)}`),
  ],
  'a batch of 500': () => [
    '',
    { ...body(''), body: `[${repeated(500, () => '{"query":"{__typename}"}').replaceAll(' ', ',')}]` },
  ],
  'first: 99999999': () => ['', body(journey.replace('20', '99999999'))],
  'a GET without a header': () => [`?${new URLSearchParams({ query: '{ __typename }' })}`, {}],
  '16 journeys of 500 steps': () => [
    '',
    body(
      `{${repeated(15, (i) => `a${i}: ${journey.replace('20', '500').slice(2, -2)}`)} ${journey.slice(2, -2)}}`,
    ),
  ],
};

async function startServer(): Promise<ApiServer> {
  return await startApiServer({
    host: '127.0.0.1',
    port: 0,
    reader: createMemoryStore(systemClock),
    status: {
      version: '0',
      startedAtMs: 0,
      topics: () => [],
      graphSchema: () => ({ nodeTypes: [], edgeTypes: [], domains: [] }),
      mappings: () => [],
      tables: () => [],
      nodeWrites: () => ({ written: 0, suppressed: 0, coalesced: 0 }),
      ready: () => true,
      freshnessQuantileMs: () => null,
    },
    operations: null,
    // Room for fewer rows than sixteen journeys may look at, so that the last one is refused for its cost.
    limits: { ...queryLimitsDefault, budget: { calls: 1000, rows: 20_000 } },
    gate: { token: null, allowedHosts: [], anyHost: false },
    defaultQuery: '',
    closeMs: 1000,
    clock: systemClock,
    log: silentLog,
    newId: randomUUID,
  });
}

/** Milliseconds; throws when the answer is not what it has to be. */
async function timed(url: string, init: RequestInit, isRefused: boolean): Promise<number> {
  const beganMs = performance.now();
  const response = await fetch(url, init);
  const text = await response.text();
  if (text.includes('"errors"') !== isRefused) throw new Error(`unexpected answer: ${text.slice(0, 200)}`);
  return performance.now() - beganMs;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

async function run({ quick, log }: BenchContext): Promise<Figures> {
  const rounds = quick ? 20 : 300;
  const server = await startServer();
  const url = `${server.url}/graphql`;
  const refusedMs: number[] = [];
  const answeredMs: number[] = [];
  const attack = async (): Promise<void> => {
    for (const [name, write] of Object.entries(hostile)) {
      const [rest, init] = write();
      const ms = await timed(`${url}${rest}`, init, true);
      refusedMs.push(ms);
      if (ms > 50) log(`${name} took ${ms.toFixed(1)} ms`);
    }
  };
  try {
    // Once for the compiler.
    for (let i = 0; i < 20; i += 1) await attack();
    refusedMs.length = 0;
    const delay = monitorEventLoopDelay({ resolution: loopResolutionMs });
    delay.enable();
    for (let i = 0; i < rounds; i += 1) {
      await attack();
      answeredMs.push(await timed(url, body(journey), false));
    }
    delay.disable();
    return {
      'hostile.refuse.p99ms': { value: quantile(refusedMs, 0.99), unit: 'ms' },
      'hostile.refuse.maxMs': { value: Math.max(...refusedMs), unit: 'ms' },
      'hostile.stall.maxMs': { value: Math.max(0, delay.max / 1e6 - loopResolutionMs), unit: 'ms' },
      'honest.p99ms': { value: quantile(answeredMs, 0.99), unit: 'ms' },
    };
  } finally {
    await server.close();
  }
}

const benchmark: Benchmark = {
  name: 'hostile',
  description: 'how long the API takes to refuse what is sent to make it work, and what that holds up',
  notMeasured: [
    'the server alone: the client that writes the requests runs on the same thread, and its work is in every figure',
    'a store: the graph is empty and in memory; honest queries are here to see that they are not held up',
  ],
  run,
};

export default benchmark;
