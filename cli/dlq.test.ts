import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BadDataError, must, systemClock } from '../foundation/index.ts';
import { openLevelStore } from '../graph-store/index.ts';
import { defaultEmbeddedLogSettings, EmbeddedLogDeadLetters, openEmbeddedLog } from '../ingest/index.ts';
import { BundledRegistry, EventEncoder, loadCatalog } from '../schemas/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { GraphFolders } from './graph-folders.ts';
import { runProgram } from './program.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (/^(JG|KAFKA|SCHEMA_REGISTRY)_/.test(name)) vi.stubEnv(name, undefined);
  }
});
afterEach(() => vi.unstubAllEnvs());

const topic = 'identity.account';
const secret = 'acc-secret-7';

async function run(...commandLine: readonly string[]) {
  const io = fakeIo({ clock: systemClock });
  const code = await runProgram(['dlq', ...commandLine], io);
  return { code, ...io.written };
}

/** A data folder with two dead letters: one whose cause is mended by now, and rubbish. */
async function dataWithLetters(): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), 'journey-graph-dlq-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  await (await openLevelStore({ folder: join(data, 'store') }, systemClock)).close();
  const log = await openEmbeddedLog({ ...defaultEmbeddedLogSettings, folder: join(data, 'log') });
  await log.createTopic(topic, 2);
  const writer = new EmbeddedLogDeadLetters(log);
  const good = await framedAccount();
  const values = [good, good.subarray(0, 9)];
  const letters = values.map((value, index) => ({
    source: { cluster: log.cluster, topic, topicId: 'i', partition: 1 },
    record: {
      offset: BigInt(40 + index),
      timestampMs: 1_700_000_000_000,
      key: Buffer.from(`m${index}`),
      value,
      headers: null,
    },
    error: new BadDataError('SCHEMA_NOT_FOUND', 'x', { context: { schemaId: 7 } }),
    stage: 'schema',
  }));
  await writer.write(letters);
  await log.close();
  return data;
}

async function framedAccount(): Promise<Buffer> {
  const registry = BundledRegistry.of(await loadCatalog());
  const { schema } = must(await registry.latest(`${topic}-value`), 'the catalog has accounts');
  return new EventEncoder(schema.id, schema.text).encode({
    eventId: 'e-1',
    occurredAt: 1_700_000_000_000,
    accountId: secret,
    country: 'NL',
    plan: 'PREMIUM',
    profiles: 3,
    memberSince: 5n,
  });
}

describe('jg dlq, in a folder', () => {
  it('counts letters, says what would pass, applies that once, and leaves the rest', async () => {
    const data = await dataWithLetters();
    const listed = await run('list', '--data', data, '--topic', topic);
    expect(listed).toMatchObject({ code: 0, err: '' });
    expect(listed.out).toMatch(/^identity\.account +SCHEMA_NOT_FOUND +schema +2 +0 /m);
    expect(listed.out).toMatch(/^identity\.account 1 41 +1\/1 +SCHEMA_NOT_FOUND /m);

    const tried = await run('retry', '--data', data, '--dry-run', '--topic', topic);
    expect(tried).toMatchObject({ code: 0, err: '' });
    expect(tried.out).toMatch(/^identity\.account +SCHEMA_NOT_FOUND +passes +1$/m);
    expect(tried.out).toContain('1 would pass, 0 are left out by their mapping, 1 still fail, 0 are held');
    expect(tried.out).toContain('Nothing was changed');

    const done = await run('retry', '--data', data, '--json');
    expect(done).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(done.out)).toMatchObject({
      applied: [{ topic, applied: 1, superseded: 0, filtered: 0 }],
    });
    const again = await run('retry', '--data', data);
    expect(again.out).toContain('0 would pass, 0 are left out by their mapping, 1 still fail');
    expect(again.out).toContain('nothing to apply');

    const store = await openLevelStore({ folder: join(data, 'store') }, systemClock);
    const node = await store.node({ type: 'Account', id: secret });
    await store.close();
    expect(node?.lineage).toMatchObject({ topic: `${topic}.dlq`, partition: 1, offset: 0n });
  });

  it('takes the graph that is live, though the first one was dropped', async () => {
    const data = await dataWithLetters();
    const folders = new GraphFolders(data);
    await folders.point({ live: 'rebuilt', previous: null });
    const gone = await run('list', '--data', data);
    expect(gone).toMatchObject({ code: 2, err: expect.stringMatching(/^error STORE_MISSING: .*rebuilt/) });
    await mkdir(join(data, 'graphs'));
    await rename(folders.folderOf('main'), folders.folderOf('rebuilt'));
    const listed = await run('list', '--data', data, '--topic', topic);
    expect(listed).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/SCHEMA_NOT_FOUND +schema +2 /),
    });
    const done = await run('retry', '--data', data, '--json');
    expect(JSON.parse(done.out)).toMatchObject({ applied: [{ topic, applied: 1 }] });
    expect(await folders.names()).toEqual(['rebuilt']);
  });

  it('shows one letter, and its value only when asked', async () => {
    const data = await dataWithLetters();
    const shown = await run('show', topic, '1', '40', '--data', data);
    expect(shown).toMatchObject({ code: 0, err: '' });
    expect(shown.out).toMatch(/^reason +SCHEMA_NOT_FOUND schemaId=7$/m);
    expect(shown.out).toMatch(/^now +passes$/m);
    expect(shown.out).not.toContain(secret);
    const byLetter = await run('show', `${topic}.dlq`, '1', '0', '--value', '--data', data);
    expect(byLetter.out).toContain(`"accountId": "${secret}"`);
    const missing = await run('show', topic, '1', '99', '--data', data);
    expect(missing).toMatchObject({ code: 2, out: '' });
    expect(missing.err).toMatch(/^error DLQ_NO_LETTER: /);
  });

  it('refuses what it cannot do in one sentence', async () => {
    const both = await run('list', '--data', 'x', '--url', 'http://127.0.0.1:1');
    expect([both.code, both.err]).toEqual([2, expect.stringMatching(/^error STORE_TARGET: /)]);
    const none = await run('retry', '--data', join(tmpdir(), 'journey-graph-no-such-folder'));
    expect([none.code, none.err]).toEqual([2, expect.stringMatching(/^error STORE_MISSING: /)]);
    for (const words of [
      ['list', '--since', 'soon'],
      ['retry', '--limit', '0'],
      ['show', topic, 'x', '1'],
    ])
      expect((await run(...words)).err).toMatch(/^error UNEXPECTED_ARGUMENT: /);
    const away = await run('list', '--url', 'http://127.0.0.1:1');
    expect([away.code, away.err]).toEqual([1, expect.stringMatching(/^error SERVER_UNREACHABLE: /)]);
  });
});
