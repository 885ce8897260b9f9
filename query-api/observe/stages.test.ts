import { describe, expect, it, onTestFinished } from 'vitest';
import { type Log, silentLog, systemClock } from '../../foundation/index.ts';
import { createMemoryStore } from '../../graph-store/index.ts';
import { ask, startTestApi, type TestApiOptions } from '../api-testing.ts';
import { openTestAudiences } from '../audiences/audience-testing.ts';
import { RawClient } from '../live/live-socket-testing.ts';
import { stepOf, TestProcess } from '../live/live-testing.ts';
import type { ApiServer } from '../server.ts';
import { metricsWith, TestStopwatch } from './observe-testing.ts';
import { QueryRun } from './query-run.ts';
import { RequestTrace } from './tracing.ts';

interface Watched {
  readonly server: ApiServer;
  /** Of the log of slow queries: every one is slow here. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
}

async function start(options: TestApiOptions): Promise<Watched> {
  const lines: Record<string, unknown>[] = [];
  const warn: Log['warn'] = (fields) => void lines.push({ ...fields });
  const server = await startTestApi({ ...options, slowMs: 0, log: { ...silentLog, warn } });
  onTestFinished(() => server.close());
  return { server, lines };
}

const counted = (stage: string, times: number): string =>
  `journey_graph_query_stage_seconds_count{stage="${stage}"} ${times}\n`;

describe('Stages', () => {
  it('begin with being admitted, which counts for how long a request took', () => {
    const stopwatch = new TestStopwatch();
    stopwatch.ms = 12;
    const run = new QueryRun('r', new RequestTrace(undefined, '0', 'r'), stopwatch.read, false, 5);
    stopwatch.ms = 20;
    expect(run.elapsedMs()).toBe(15);
    expect([...run.close()]).toEqual([['admit', 7]]);
  });

  it('of several at once are added up, and those that a deadline left open end with the request', async () => {
    const stopwatch = new TestStopwatch();
    const run = new QueryRun('r', new RequestTrace(undefined, '0', 'r'), stopwatch.read, false);
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    const one = run.timed('estimate', () => first.promise);
    const other = run.timed('estimate', () => second.promise);
    stopwatch.ms = 10;
    first.resolve();
    await one;
    stopwatch.ms = 30;
    expect([...run.close()]).toEqual([['estimate', 40]]);
    stopwatch.ms = 99;
    second.resolve();
    await other;
    expect([...run.close()]).toEqual([['estimate', 40]]);
  });

  it("have one for each read for a subscription's events, with a line of its own when it was slow", async () => {
    const process = new TestProcess();
    const { server, lines } = await start({
      reader: process.memory,
      feed: process.journal,
      limits: { lookbackMs: Number.MAX_SAFE_INTEGER },
    });
    const client = await new RawClient(server).initialized();
    onTestFinished(() => client.socket.terminate());
    client.subscribe(
      '1',
      'subscription Live { journeySteps(of: {type: "Account", id: "é"}) { step { time properties } } }',
    );
    expect((await client.nextStep()).step).toBeNull();
    await process.write([stepOf(1000, 1)]);
    expect((await client.nextStep()).step?.properties).toEqual({ n: 1 });
    // Where it begins is read as well.
    expect(await metricsWith(server, counted('event', 2))).toContain(counted('event', 2));
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatchObject({
      requestId: 'request-1',
      operation: 'Live',
      calls: 1,
      rows: 1,
      stages: { event: expect.any(Number) },
    });
    expect(Object.keys(Object(lines[1]?.stages))).toEqual(['event']);
  });

  it('have one for an estimate, and one for an audience that is frozen after its request was answered', async () => {
    const graph = createMemoryStore(systemClock);
    const test = await openTestAudiences({ sources: () => graph.sources() });
    onTestFinished(() => test[Symbol.asyncDispose]());
    const { server, lines } = await start({ reader: graph, audiences: test.audiences });
    const who = 'memberType: "Account", where: {member: {property: "country", eq: "DE"}}';
    await ask(server, `query Reach { audienceEstimate(${who}) { count } }`);
    const freeze = `mutation Freeze { freezeAudience(${who}, name: "n", key: "k") { id state } }`;
    const answer = JSON.parse((await ask(server, freeze)).text);
    expect(answer).toMatchObject({ data: { freezeAudience: { state: 'BUILDING' } } });
    for (const line of [counted('estimate', 1), counted('freeze', 1)])
      expect(await metricsWith(server, line)).toContain(line);
    expect(Object.keys(Object(lines[0]?.stages))).toContain('estimate');
    const frozen = lines.filter(({ stages }) => 'freeze' in Object(stages));
    expect(frozen).toMatchObject([{ requestId: 'request-2', operation: 'Freeze' }]);
  });
});
