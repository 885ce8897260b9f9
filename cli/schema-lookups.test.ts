import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

let folder: string;
let file: string;
let table: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journey-graph-lookups-'));
  file = join(folder, 'views.avsc');
  table = `titles.catalog=${join(folder, 'title.avsc')}`;
  const row = [
    { name: 'studio', type: 'string' },
    { name: 'name', type: 'string' },
  ];
  await writeFile(join(folder, 'title.avsc'), JSON.stringify({ type: 'record', name: 'Title', fields: row }));
  const fields = [
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'title', type: 'string' },
  ];
  const graph = {
    domain: 'streaming',
    time: 'at',
    lookups: [{ as: 'row', topic: 'titles.catalog', key: 'title' }],
    nodes: [{ type: 'Studio', id: 'row.studio', properties: { title: 'row.name' } }],
  };
  await writeFile(file, JSON.stringify({ type: 'record', name: 'View', fields, graph }));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function run(...commandLine: readonly string[]) {
  const io = fakeIo();
  const code = await runProgram(['schema', ...commandLine], io);
  return { code, ...io.written };
}

describe('a mapping that looks rows up', () => {
  it('is checked with the schema of its table, and with rows that are generated from it', async () => {
    const { code, out } = await run('check', file, '--table', table, '--json');
    const report: { schemas: readonly { events: object }[] } = JSON.parse(out);
    expect(report).toMatchObject({ fine: true, schemas: [{ problems: [], events: { deadLettered: 0 } }] });
    expect(code).toBe(0);
  });

  it('has a problem without it, whose place and remedy are told, and no other one', async () => {
    const { code, out } = await run('check', file);
    expect(out).toMatch(
      /views\.avsc:1:\d+: graph\.lookups\[0\]\.topic: .*--table titles\.catalog=rows\.avsc/,
    );
    expect(out.match(/graph\./g)).toHaveLength(1);
    expect(code).toBe(2);
  });

  it('keeps rows in its fixtures, and uses them', async () => {
    expect((await run('test', '--update', file, '--table', table)).code).toBe(0);
    expect((await run('test', file, '--table', table)).code).toBe(0);
    const fixture = join(folder, 'views.fixtures', 'generated-01.json');
    const given: { rows: { row: { name: string } | null } } = JSON.parse(await readFile(fixture, 'utf8'));
    expect(given.rows.row?.name).toBeTypeOf('string');
    given.rows.row = null;
    await writeFile(fixture, JSON.stringify(given));
    const { code, out } = await run('test', file, '--table', table);
    expect(out).toContain('deadLetter');
    expect(code).toBe(1);
  });

  it.each([
    ['no file', 'titles.catalog', '--table takes a topic and a file'],
    ['a file that is not there', 'titles.catalog=none.avsc', 'cannot be read'],
  ])('is refused with a table of %s', async (_what, given, sentence) => {
    const { code, err } = await run('check', file, '--table', given);
    expect(err).toContain(sentence);
    expect(code).toBe(2);
  });

  it('is refused with a table whose file holds no schema', async () => {
    await writeFile(join(folder, 'title.avsc'), '{}');
    const { code, err } = await run('check', file, '--table', table);
    expect(err).toContain('TABLE_SCHEMA_INVALID');
    expect(code).toBe(2);
  });
});
