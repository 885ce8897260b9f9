import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema } from 'graphql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import {
  edgeType,
  graphWith,
  startTestGraph,
  watchedGraph,
} from '../query-api/typed-edges/typed-edges-testing.ts';
import type { GraphSchema } from '../schemas/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';
import { startRegistryServer } from './registry-server.fake.ts';

async function jg(
  ...words: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const io = fakeIo({ clock: systemClock });
  const code = await runProgram(words, io);
  return { code, ...io.written };
}

async function startServer(graph: () => GraphSchema): Promise<string> {
  const { server } = await startTestGraph(graph);
  onTestFinished(() => server.close());
  return server.url;
}

function fileOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'journey-graph-api-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'api.graphql');
  writeFileSync(path, text);
  return path;
}

describe('jg api schema', () => {
  it('prints the schema of a running server, which can be read again', async () => {
    const url = await startServer(() => watchedGraph);
    const { code, out, err } = await jg('api', 'schema', '--url', url);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('watchedFrom(');
    expect(buildSchema(out).getType('AccountWatchedWhere')).toBeDefined();
    const json = await jg('api', 'schema', '--url', url, '--json');
    expect(JSON.parse(json.out)).toMatchObject({ __schema: { queryType: { name: 'Query' } } });
    expect(await jg('api', 'schema', '--url', url, '--against', fileOf(out))).toMatchObject({
      code: 0,
      out: '0 breaking, 0 dangerous changes\n',
    });
  });

  it('lists what breaks clients and what may, and exits with 5 when something does', async () => {
    const before = await jg('api', 'schema', '--url', await startServer(() => watchedGraph));
    const file = fileOf(before.out);
    const kind = graphWith(
      { Account: { country: 'integer' }, Title: { name: 'text', year: 'integer' } },
      edgeType('WATCHED', [['Account', 'Title']], { seconds: 'integer', device: 'text' }),
    );
    const url = await startServer(() => kind);
    const broken = await jg('api', 'schema', '--url', url, '--against', file);
    expect(broken.code).toBe(5);
    expect(broken.out).toContain(
      'breaking: Account.country changed type from String to BigInt. (FIELD_CHANGED_KIND)\n',
    );
    expect(broken.out).toContain('breaking: AccountWatchedEdge.finishedAt was removed. (FIELD_REMOVED)\n');
    const json = JSON.parse((await jg('api', 'schema', '--url', url, '--against', file, '--json')).out);
    expect(json.breaking).toContainEqual({
      type: 'FIELD_REMOVED',
      description: 'AccountWatchedEdge.finishedAt was removed.',
    });
    const wider = graphWith({ Account: { country: 'text' }, Title: { name: 'text', year: 'integer' }, Show: {} }, ...watchedGraph.edgeTypes, edgeType('SAW', [['Account', 'Show']])); // biome-ignore format: one row
    const dangerous = await jg('api', 'schema', '--url', await startServer(() => wider), '--against', file);
    expect(dangerous).toMatchObject({ code: 0, out: expect.stringContaining('0 breaking, ') });
  });

  it('prints what the mappings of a registry come to', async () => {
    const registry = await startRegistryServer();
    onTestFinished(() => registry.close());
    const time = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } };
    const fields = [time, ...['who', 'what'].map((name) => ({ name, type: 'string' }))];
    const nodes = [{ type: 'Member', id: 'who' }, { type: 'Film', id: 'what' }]; // biome-ignore format: one row
    const edges = [{ type: 'LIKED', from: 'Member', to: 'Film' }];
    const graph = { domain: 'd', time: 'at', nodes, edges };
    await registry.register('likes-value', JSON.stringify({ type: 'record', name: 'Liked', fields, graph }));
    await registry.register('strange-value', '{"$schema": "any"}');
    const { code, out, err } = await jg('api', 'schema', '--schema.registry.url', registry.url);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('likedFrom(');
    expect(out).toContain('type MemberLikedConnection');
  });

  it.each([
    [['--against', '/nowhere/api.graphql'], 2, 'nowhere'],
    [['--against', 'FILE'], 2, 'SCHEMA_FILE_INVALID'],
    [['--url', 'http://127.0.0.1:1'], 1, 'SERVER_UNREACHABLE'],
    [['--url', 'http://127.0.0.1:1', '--schema.registry.url', 'http://127.0.0.1:1'], 2, 'not both'],
  ])('says what is wrong with %j', async (words, code, said) => {
    const file = fileOf('type Query { broken');
    const result = await jg('api', 'schema', ...words.map((word) => (word === 'FILE' ? file : word)));
    expect(result).toMatchObject({ code, out: '', err: expect.stringContaining(said) });
  });
});

it('jg api types prints the types of the schema in force', async () => {
  const url = await startServer(() => watchedGraph);
  const { code, out } = await jg('api', 'types', '--url', url);
  expect(code).toBe(0);
  expect(out).toContain("import type { GraphTable } from 'journey-graph/client';");
  expect(out).toContain("watched: { of: 'AccountWatchedConnection'");
  expect(await jg('api', 'types', '--url', url)).toEqual({ code, out, err: '' });
});

it.each(['schema', 'types'])('jg api %s --help begins with examples', async (name) => {
  const { code, out } = await jg('api', name, '--help');
  expect(code).toBe(0);
  expect(out).toMatch(/^Examples:\n {2}jg api/);
});
