import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore, createMutationBatch } from '../graph-store/index.ts';
import { AudienceStore, Audiences, queryLimitsDefault, startApiServer } from '../query-api/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

const where = JSON.stringify({ member: { property: 'country', eq: 'DE' } });

/** A server with two German members and a French one. */
async function startServer(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jg-audience-'));
  const reader = createMemoryStore(systemClock);
  const source = { cluster: 'c', topic: 't', topicId: 'i', partition: 0 };
  const { epoch } = await reader.claim(source);
  const batch = createMutationBatch();
  for (const [i, country] of ['DE', 'DE', 'FR'].entries()) {
    const node = { type: 'Account', id: `acc-${i}\u001b[31m` };
    batch.add({
      timeMs: 1,
      rank: 0,
      occurrence: BigInt(i),
      mutations: [{ kind: 'node', node, properties: [['country', country]] }],
    });
  }
  const fates = { consumed: 3, applied: 3, superseded: 0, filtered: 0, deadLettered: 0 };
  await reader.apply({ source, epoch, from: 0n, next: 3n, fates, newestEventMs: 1 }, batch);
  let ids = 0;
  const newId = (): string => `id-${++ids}`;
  const store = await AudienceStore.open(folder, { countMax: 10, bytesMax: 2 ** 20 });
  const audiences = new Audiences({
    store,
    sources: () => reader.sources(),
    clock: systemClock,
    log: silentLog,
    newId,
    membersMax: 100,
  });
  const server = await startApiServer({
    host: '127.0.0.1',
    port: 0,
    reader,
    audiences,
    status: {
      version: '0',
      startedAtMs: 0,
      topics: () => [],
      graphSchema: () => ({ nodeTypes: [], edgeTypes: [], domains: [] }),
      mappings: () => [],
      tables: () => [],
      nodeWrites: () => ({ written: 0, suppressed: 0, coalesced: 0 }),
      supersededMutations: () => ({ node: 0, edge: 0, step: 0 }),
      ready: () => true,
      freshnessQuantileMs: () => null,
    },
    operations: null,
    limits: queryLimitsDefault,
    gate: { token: null, allowedHosts: [], anyHost: false },
    defaultQuery: '',
    closeMs: 100,
    clock: systemClock,
    log: silentLog,
    newId,
  });
  onTestFinished(async () => {
    await server.close();
    await audiences.close();
    await rm(folder, { recursive: true });
  });
  return server.url;
}

it('estimates, freezes, lists, reads, explains and deletes an audience', async () => {
  const url = await startServer();
  const run = async (...words: readonly string[]) => {
    const io = fakeIo({ clock: systemClock, readStdin: async () => where });
    const code = await runProgram(['audience', ...words, '--url', url], io);
    return { code, ...io.written };
  };
  expect(await run('estimate', '--of', 'Account', where)).toMatchObject({
    code: 0,
    err: '',
    out: '2 members (counted, 2 looked at)\n',
  });
  const frozen = await run('freeze', '--of', 'Account', '--name', 'Germans', '-', '--json');
  expect(frozen).toMatchObject({ code: 0, err: '' });
  const { id, state, size } = JSON.parse(frozen.out);
  expect({ state, size }).toEqual({ state: 'READY', size: 2 });
  const again = await run('freeze', '--of', 'Account', '--name', 'Germans', '--key', 'k', where);
  // Alone: `$(…)` hands it on.
  expect(again.out).toMatch(/^id-\d+\n$/);
  expect(again.err).toMatch(/^2 members, frozen in 0\.\d s\.\n$/);
  expect((await run('list')).out).toMatch(new RegExp(`^${id} +Germans +READY +2 +Account `, 'm'));
  expect((await run('show', id)).out).toContain('"sourcesAfter"');
  const members = await run('members', id);
  expect(members.code).toBe(0);
  expect(members.out.trimEnd().split('\n').toSorted()).toEqual([
    '{"type":"Account","id":"acc-0\\u001b[31m"}',
    '{"type":"Account","id":"acc-1\\u001b[31m"}',
  ]);
  const explained = await run('explain', id, 'acc-2\u001b[31m');
  expect(explained.out).toContain('acc-2\\u001b[31m is not in it since ');
  expect(explained.out).toMatch(/^all of it +no +member where country eq "DE" +\{"country":"FR"\}$/m);
  expect(await run('delete', id)).toMatchObject({ code: 0, out: `${id} is deleted.\n` });
  expect(await run('delete', id)).toMatchObject({ code: 1 });
  expect(await run('members', id)).toMatchObject({ code: 1 });
  expect((await run('explain', id, 'x')).err).toContain('error AUDIENCE_UNKNOWN');
});

it('says what is wrong with a condition before it asks', async () => {
  const io = fakeIo();
  expect(await runProgram(['audience', 'estimate', '--of', 'Account', '{no'], io)).toBe(2);
  expect(io.written.err).toContain('INVALID_WHERE');
});

it('shows examples', async () => {
  const io = fakeIo();
  expect(await runProgram(['audience', '--help'], io)).toBe(0);
  expect(io.written.out).toContain('jg audience freeze --of Account');
});
