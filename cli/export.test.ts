import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { LocalObjectStore, openParquet } from '../archive/index.ts';
import { silentLog, systemClock } from '../foundation/index.ts';
import { openLevelStore } from '../graph-store/index.ts';
import { AudienceStore, Audiences, queryLimitsDefault, startApiServer } from '../query-api/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { graphSchemaOfSettings } from './export-schema.ts';
import { dataWithStore, fill, firstMs, temporaryFolder } from './export-testing.ts';
import { pageEncoders } from './page-encoders.ts';
import { runProgram } from './program.ts';
import { storeOperations } from './store-operations.ts';

beforeEach(() => {
  for (const name of Object.keys(process.env))
    if (/^(JG|KAFKA|SCHEMA_REGISTRY)_/.test(name)) vi.stubEnv(name, undefined);
  return () => vi.unstubAllEnvs();
});

async function run(...words: readonly string[]) {
  const io = fakeIo({ clock: systemClock });
  const code = await runProgram(['export', ...words], io);
  return { code, ...io.written };
}

async function rowsOf(path: string): Promise<unknown[]> {
  const table = tableFromIPC(await readFile(path));
  return table.toArray().map((row) => JSON.parse(JSON.stringify(row, textOfBig)));
}

const textOfBig = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;

/** A server with the same graph, and an audience of three. */
async function startServer(): Promise<{ readonly url: string; readonly audience: string }> {
  const folder = await temporaryFolder();
  const reader = await openLevelStore({ folder: join(folder, 'store') }, systemClock);
  await fill(reader);
  let ids = 0;
  const newId = (): string => `id-${++ids}`;
  const audienceStore = await AudienceStore.open(join(folder, 'audiences'), {
    countMax: 10,
    bytesMax: 2 ** 20,
  });
  const parts = { sources: () => reader.sources(), clock: systemClock, log: silentLog, newId };
  const audiences = new Audiences({ store: audienceStore, membersMax: 100, ...parts });
  const io = fakeIo({ clock: systemClock });
  const schema = await graphSchemaOfSettings({}, io);
  const server = await startApiServer({
    ...{ host: '127.0.0.1', port: 0, reader, audiences, clock: systemClock, log: silentLog, newId },
    ...{ limits: queryLimitsDefault, defaultQuery: '', closeMs: 100, encoders: pageEncoders() },
    status: {
      version: '0',
      startedAtMs: 0,
      topics: () => [],
      graphSchema: () => schema,
      mappings: () => [],
      tables: () => [],
      nodeWrites: () => ({ written: 0, suppressed: 0, coalesced: 0 }),
      supersededMutations: () => ({ node: 0, edge: 0, step: 0 }),
      ready: () => true,
      freshnessQuantileMs: () => null,
    },
    operations: storeOperations(reader, () => schema, systemClock),
    gate: { token: 'sesame', allowedHosts: [], anyHost: false },
  });
  onTestFinished(async () => {
    await server.close();
    await audiences.close();
    await reader.close();
  });
  const where = JSON.stringify({ member: { property: 'country', eq: 'DE' } });
  const asked = fakeIo({ clock: systemClock });
  const words = ['audience', 'freeze', '--of', 'Account', '--name', 'Germans', where, '--json'];
  await runProgram([...words, '--url', server.url, '--token', 'sesame'], asked);
  return { url: server.url, audience: JSON.parse(asked.written.out).id };
}

describe('jg export', () => {
  it('writes nodes with the columns that mappings declare, and what does not fit beside them', async () => {
    const data = await dataWithStore();
    const out = join(data, 'accounts.arrow');
    const exported = await run('nodes', 'Account', '--data', data, '--out', out, '--json');
    expect(exported).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(exported.out)).toMatchObject({
      file: out,
      rows: 1,
      sources: [{ source: { topic: 'plays', partition: 3 }, next: '104' }],
    });
    const [row] = await rowsOf(out);
    expect(row).toMatchObject({
      ...{ type: 'Account', id: 'zoë', country: 'DE', profiles: '4', plan: null, memberSince: null },
      other_properties: '{"plan":7,"shoe":"1152921504606846976"}',
      ...{ source_topic: 'plays', source_partition: 3, source_offset: '100' },
    });
    const { schema } = tableFromIPC(await readFile(out));
    expect(schema.fields.find(({ name }) => name === 'time')?.type.toString()).toBe(
      'Timestamp<MICROSECOND, UTC>',
    );
    expect(JSON.parse(schema.metadata.get('journey_graph.table') ?? '')).toEqual({
      kind: 'nodes',
      type: 'Account',
    });
  });

  it('writes edges by their occurrences, without those to what was deleted, and steps with their links', async () => {
    const data = await dataWithStore();
    const edges = join(data, 'watched.arrow');
    expect(await run('edges', 'WATCHED', '--data', data, '--out', edges)).toMatchObject({ code: 0 });
    expect(await rowsOf(edges)).toMatchObject([
      {
        ...{ from_id: 'zoë', to_type: 'Title', to_id: 'dark', key: null, occurrence: 'fffffffffffffffe' },
        ...{ seconds: '3600', completion: 0.5, other_properties: null, source_offset: '101' },
      },
    ]);
    const steps = join(data, 'steps.arrow');
    expect(await run('steps', '--data', data, '--out', steps)).toMatchObject({ code: 0 });
    expect(await rowsOf(steps)).toMatchObject([
      {
        ...{ owner_id: 'zoë', domain: 'streaming', action: 'watched', properties: '{"seconds":3600}' },
        links: [{ edge: 'WATCHED', direction: 'out', type: 'Title', id: 'dark' }],
      },
    ]);
  });

  it('gives the same in Parquet', async () => {
    const data = await dataWithStore();
    const exported = await run('edges', 'WATCHED', '--data', data, '--out', join(data, 'w.parquet'));
    expect(exported.code).toBe(0);
    expect(exported.out).toMatch(/w\.parquet: 1 rows, .* in .* s\n/);
    const file = await openParquet(new LocalObjectStore(data), 'w.parquet');
    expect(file.rows).toBe(1);
    const batch = await file.read(0, [
      { id: 5, name: 'to_id', required: false, type: { kind: 'string' } },
      { id: 7, name: 'time', required: false, type: { kind: 'timestamptz' } },
    ]);
    expect([...batch.columns.values()].map((values) => [...values])).toEqual([
      ['dark'],
      [BigInt(firstMs + 1) * 1000n],
    ]);
  });

  it('asks a running server for the same bytes, its members too', async () => {
    const { url, audience } = await startServer();
    const folder = await temporaryFolder();
    const server = ['--url', url, '--token', 'sesame'] as const;
    const out = join(folder, 'accounts.arrow');
    expect(await run('nodes', 'Account', ...server, '--out', out)).toMatchObject({ code: 0, err: '' });
    expect(await rowsOf(out)).toMatchObject([{ id: 'zoë', country: 'DE' }]);
    const members = join(folder, 'members.arrow');
    const exported = await run('audience', audience, ...server, '--out', members, '--json');
    expect(JSON.parse(exported.out)).toMatchObject({ rows: 1, sources: [{ next: '104' }] });
    expect(await rowsOf(members)).toEqual([{ type: 'Account', id: 'zoë' }]);
    const refused = await run('steps', '--url', url, '--out', join(folder, 's.arrow'));
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('UNAUTHORIZED') });
    expect(await readdir(folder)).toEqual(['accounts.arrow', 'members.arrow']);
  });

  it('writes the members of a folder that no server has open', async () => {
    const data = await dataWithStore();
    const out = join(data, 'm.arrow');
    const missing = await run('audience', 'x', '--data', data, '--out', out);
    expect(missing).toMatchObject({ code: 2, err: expect.stringContaining('AUDIENCE_UNKNOWN') });
    const store = await AudienceStore.open(join(data, 'audiences'), { countMax: 10, bytesMax: 2 ** 20 });
    await store.close();
    const unknown = await run('audience', 'x', '--data', data, '--out', out);
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('AUDIENCE_UNKNOWN') });
    expect(await readdir(data)).toEqual(['audiences', 'store']);
  });

  it('refuses what would give nothing or take something away, and leaves no file', async () => {
    const data = await dataWithStore();
    const taken = join(data, 'taken.parquet');
    await writeFile(taken, 'mine');
    const out = join(data, 'x.arrow');
    const refused: readonly (readonly [string, readonly string[]])[] = [
      [
        'EXPORT_TYPE_UNKNOWN: No mapping in force declares a node type Acount (did you mean `Account`?)',
        ['nodes', 'Acount', '--out', out],
      ],
      ['EXPORT_TABLE', ['nodes', '--out', out]],
      ['EXPORT_TABLE', ['rows', '--out', out]],
      ['EXPORT_FORMAT', ['steps', '--out', join(data, 'x.csv')]],
      ['EXPORT_FILE_EXISTS', ['steps', '--out', taken]],
      ['STORE_TARGET', ['steps', '--out', out, '--url', 'http://127.0.0.1:1']],
    ];
    for (const [code, words] of refused) {
      const answer = await run(...words, '--data', data);
      expect(answer, code).toMatchObject({ code: 2, err: expect.stringContaining(code) });
    }
    expect(await readFile(taken, 'utf8')).toBe('mine');
    expect(await readdir(data)).toEqual(['store', 'taken.parquet']);
    const undeclared = await run(
      'nodes',
      'Acount',
      '--undeclared',
      '--data',
      data,
      '--out',
      taken,
      '--force',
    );
    expect(undeclared).toMatchObject({ code: 0, out: expect.stringContaining('0 rows') });
  });
});

describe('A page of a journey', () => {
  it('is a table for who accepts one, at the path that GraphQL gives', async () => {
    const { url } = await startServer();
    const headers = { authorization: 'Bearer sesame' };
    const ask = async (query: string): Promise<Record<string, { tablePath: string }>> => {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      });
      return JSON.parse(await response.text()).data;
    };
    const data = await ask(
      '{ journey(of: {type: "Account", id: "zoë"}, since: "2026-11-01T00:00:00Z", domains: ["streaming"]) { tablePath } }',
    );
    const path = data.journey?.tablePath ?? '';
    const get = (at: string, accept: string): Promise<Response> =>
      fetch(`${url}${at}`, { headers: { ...headers, accept } });
    const response = await get(path, 'application/vnd.apache.arrow.stream');
    expect(response.headers.get('content-type')).toBe('application/vnd.apache.arrow.stream');
    const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
    expect(JSON.parse(JSON.stringify(table.toArray(), textOfBig))).toMatchObject([
      { owner_id: 'zoë', action: 'watched', occurrence: 'fffffffffffffffe', source_offset: '101' },
    ]);
    expect(JSON.parse(table.schema.metadata.get('journey_graph.page') ?? '')).toMatchObject({
      pageInfo: { hasNextPage: false },
      completeness: { complete: true },
    });
    expect((await get(path, 'application/json')).status).toBe(406);
    const wrong = await get('/journey?type=Account&id=z&first=0', 'application/vnd.apache.arrow.stream');
    expect(await wrong.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    expect((await fetch(`${url}${path}`)).status).toBe(401);
  });
});
