import { describe, expect, it } from 'vitest';
import { type Log, silentLog, systemClock } from '../../foundation/index.ts';
import { createMemoryStore } from '../../graph-store/index.ts';
import { ask, send, startTestApi } from '../api-testing.ts';
import { TestStopwatch, testRun } from './observe-testing.ts';
import { SlowQueryLog } from './slow-query-log.ts';

function recorder(): { readonly log: Log; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const warn = (fields: object): void => {
    lines.push({ ...fields });
  };
  return { log: { ...silentLog, warn }, lines };
}

describe('The log of slow queries', () => {
  it('has one line: operation, request, stages, and for each field its bound and what it took; no variable', async () => {
    const { log, lines } = recorder();
    const server = await startTestApi({ log, slowMs: 0, limits: { scanRowsMax: 40 } });
    const query = `query Recent($id: ID!) {
      journey(of: {type: "Account", id: $id}, first: 7) { edges { cursor } }
      node(type: "Account", id: $id) { id } }`;
    await send(server, JSON.stringify({ query, variables: { id: 'secret-id' } }));
    await server.close();
    expect(lines).toHaveLength(1);
    const [line] = lines;
    expect(line).toMatchObject({
      requestId: 'request-1',
      operation: 'Recent',
      calls: 2,
      rows: 1,
      plan: [
        { field: 'journey', times: 1, callsMax: 1, rowsMax: 40, calls: 1, rows: 0 },
        { field: 'node', times: 1, callsMax: 1, rowsMax: 1, calls: 1, rows: 1 },
      ],
    });
    expect(Object.keys(Object(line?.stages))).toEqual([
      'admit',
      'parse',
      'validate',
      'cost',
      'execute',
      'serialize',
    ]);
    expect(JSON.stringify(line)).not.toContain('secret-id');
  });

  it('has none of a query that was fast enough', async () => {
    const { log, lines } = recorder();
    const server = await startTestApi({ log, slowMs: 600_000 });
    await ask(server, '{ __typename }');
    await server.close();
    expect(lines).toEqual([]);
  });

  it('has one of a query whose deadline passed, whatever counts as slow, with the stage that it was in', async () => {
    const { log, lines } = recorder();
    const hanging = { ...createMemoryStore(systemClock), node: () => new Promise<never>(() => undefined) };
    const server = await startTestApi({ log, slowMs: 600_000, reader: hanging, limits: { deadlineMs: 30 } });
    const { status } = await ask(server, '{ node(type: "Account", id: "a") { id } }');
    await server.close();
    expect(status).toBe(503);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ codes: ['DEADLINE_EXCEEDED'], calls: 1 });
    expect(Object.keys(Object(lines[0]?.stages))).toContain('execute');
  });

  it('has at most ten lines a second, and the next one says how many were left out', () => {
    const { log, lines } = recorder();
    const clock = { nowMs: 0, now: () => clock.nowMs, sleep: systemClock.sleep };
    const slow = new SlowQueryLog(100, clock, log);
    const stopwatch = new TestStopwatch();
    const runs = Array.from({ length: 31 }, () => testRun(stopwatch));
    stopwatch.ms = 100;
    for (const run of runs.slice(0, 30)) slow.ended(run);
    expect(lines).toHaveLength(10);
    clock.nowMs = 1000;
    for (const run of runs.slice(30)) slow.ended(run);
    expect(lines[10]).toMatchObject({ ms: 100, skipped: 20 });
  });
});
