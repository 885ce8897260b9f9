import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

const catalog = join(import.meta.dirname, '..', 'schemas', 'catalog');

let folder: string;
beforeEach(async () => {
  for (const name of Object.keys(process.env)) {
    if (/^(JG|KAFKA|SCHEMA_REGISTRY)_/.test(name)) vi.stubEnv(name, undefined);
  }
  folder = await mkdtemp(join(tmpdir(), 'journey-graph-schema-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function run(...commandLine: readonly string[]) {
  const io = fakeIo();
  const code = await runProgram(['schema', ...commandLine], io);
  return { code, ...io.written };
}

interface Ride {
  readonly distance?: unknown;
  readonly property?: unknown;
}

/** A schema in a file of its own; each line of it is known, so that places can be. */
async function ride(
  file: string,
  { distance = 'double', property = 'distance' }: Ride = {},
): Promise<string> {
  const path = join(folder, file);
  const lines = [
    '{ "type": "record", "name": "Ride", "fields": [',
    '    { "name": "at", "type": { "type": "long", "logicalType": "timestamp-millis" } },',
    '    { "name": "rider", "type": "string" },',
    `    { "name": "distance", "type": ${JSON.stringify(distance)} }`,
    '  ],',
    '  "graph": { "domain": "mobility", "time": "at",',
    `    "nodes": [{ "type": "Rider", "id": "rider", "properties": { "far": ${JSON.stringify(property)} } }],`,
    '    "journey": { "owner": "Rider", "action": "rode" } } }',
  ];
  await writeFile(path, lines.join('\n'));
  return path;
}

describe('jg schema check', () => {
  it('finds the bundled catalog fine, as a whole', async () => {
    const files = (await readdir(catalog)).filter((name) => name.endsWith('.avsc'));
    expect(files.length).toBeGreaterThanOrEqual(15);
    const { code, out } = await run(
      'check',
      ...files.map((name) => join(catalog, name)),
      '--table',
      `titles.changes=${join(catalog, 'titles-changed.avsc')}`,
    );
    expect(out.trimEnd().split('\n')).toHaveLength(files.length);
    expect(out).not.toContain('problem');
    expect(code).toBe(0);
  });

  it('says line, column, path and what was meant, and exits with 2', async () => {
    const file = await ride('wrong.avsc', { property: 'distanze' });
    const { code, out } = await run('check', file);
    expect(code).toBe(2);
    expect(out).toMatch(
      /wrong\.avsc:7:\d+: graph\.nodes\[0\]\.properties\.far: `distanze` names no field `distanze` \(did you mean `distance`\?\)/,
    );
  });

  it('says the same to machines', async () => {
    const { code, out } = await run('check', '--json', await ride('wrong.avsc', { property: 'distanze' }));
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({
      fine: false,
      schemas: [{ problems: [{ line: 7, path: 'graph.nodes[0].properties.far' }] }],
    });
  });

  it('refuses two schemas that disagree about a property, naming both', async () => {
    const one = await ride('one.avsc');
    const { code, out } = await run('check', one, await ride('two.avsc', { distance: 'string' }));
    expect(code).toBe(2);
    expect(out).toMatch(/Rider\.far/);
    for (const name of ['one', 'two']) expect(out).toContain(name);
  });

  it('says what is wrong with the others when one cannot be read', async () => {
    const wrong = await ride('wrong.avsc', { property: 'distanze' });
    const { code, out, err } = await run('check', wrong, join(folder, 'nowhere.avsc'));
    expect(out).toContain('did you mean `distance`?');
    expect(err).toMatch(/^error SCHEMA_FILE_UNREADABLE: .*nowhere\.avsc/);
    expect(code).toBe(2);
  });

  it('says which file cannot be read', async () => {
    const { code, err } = await run('check', join(folder, 'nowhere.avsc'));
    expect(code).toBe(2);
    expect(err).toMatch(/^error SCHEMA_FILE_UNREADABLE: .*nowhere\.avsc/);
  });
});

describe('jg schema test', () => {
  it('writes fixtures when told to, passes on them, and shows what a change of the mapping does to them', async () => {
    const file = await ride('ride.avsc');
    expect((await run('test', file)).code).toBe(1);
    expect((await run('test', '--update', file)).code).toBe(0);
    const fixtures = await readdir(join(folder, 'ride.fixtures'));
    expect(fixtures.length).toBeGreaterThan(0);
    expect((await run('test', file)).code).toBe(0);
    await ride('ride.avsc', { property: { cel: 'distance * 2.0' } });
    const { code, out } = await run('test', file);
    expect(code).toBe(1);
    expect(out).toMatch(/^\s*[-+] /m);
    const kept = await readFile(join(folder, 'ride.fixtures', fixtures[0] ?? ''), 'utf8');
    expect(JSON.parse(kept)).toHaveProperty('expected.mutations');
  });
});

describe('the fixtures of the catalog', () => {
  it('are there for each schema and say what comes out today', async () => {
    const files = (await readdir(catalog)).filter((name) => name.endsWith('.avsc'));
    const table = `titles.changes=${join(catalog, 'titles-changed.avsc')}`;
    const { code, out } = await run('test', '--table', table, ...files.map((name) => join(catalog, name)));
    // Otherwise: jg schema test --update --table titles.changes=schemas/catalog/titles-changed.avsc schemas/catalog/*.avsc
    expect(out).toMatch(/^\d+ same\n$/);
    expect(Number.parseInt(out, 10)).toBeGreaterThan(files.length * 2);
    expect(code).toBe(0);
  });

  it('are run by check as well', async () => {
    const file = await ride('ride.avsc');
    await run('test', '--update', file);
    await ride('ride.avsc', { property: { cel: 'distance * 2.0' } });
    const { code, out } = await run('check', file);
    expect(out).toMatch(/ride\.fixtures\/generated-01\.json:1:1: something else comes out: `jg schema test /);
    expect(code).toBe(2);
  });
});

describe('the problems of a mapping', () => {
  it('come in the order of their lines', async () => {
    const file = join(folder, 'order.avsc');
    const graph = {
      time: 'att',
      nodes: [{ properties: { b: 'bb', a: 'aa' }, id: 'riderr', type: 'Rider' }],
      domain: '1',
    };
    const fields = [{ name: 'rider', type: 'string' }];
    await writeFile(file, JSON.stringify({ graph, type: 'record', name: 'Ride', fields }, null, 2));
    const { out } = await run('check', file);
    const lines = [...out.matchAll(/^.*order\.avsc:(\d+):/gm)].map(([, line]) => Number(line));
    expect(lines.length).toBeGreaterThan(3);
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
  });
});

describe('jg schema new', () => {
  it('proposes a mapping that is fine', async () => {
    const plain = JSON.stringify({
      type: 'record',
      name: 'TripEnded',
      namespace: 'com.example.mobility',
      fields: [
        { name: 'ended_at', type: { type: 'long', logicalType: 'timestamp-micros' } },
        { name: 'customerId', type: 'string' },
        {
          name: 'vehicle',
          type: ['null', { type: 'record', name: 'Vehicle', fields: [{ name: 'id', type: 'string' }] }],
        },
        { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
        { name: 'stops', type: { type: 'array', items: 'string' } },
      ],
    });
    await writeFile(join(folder, 'trip.avsc'), plain);
    const proposal = await run('new', join(folder, 'trip.avsc'));
    expect(proposal.code).toBe(0);
    expect(JSON.parse(proposal.out).graph).toMatchObject({ time: 'ended_at' });
    await writeFile(join(folder, 'proposed.avsc'), proposal.out);
    const { code, out } = await run('check', join(folder, 'proposed.avsc'));
    expect(out).toContain('fine');
    expect(code).toBe(0);
  });
});

describe('commands that ask the registry', () => {
  it.each([['list'], ['show', 'a-value'], ['diff', 'a-value']])(
    '%s says that none is configured',
    async (...line) => {
      const { code, err } = await run(...line);
      expect(code).toBe(2);
      expect(err).toMatch(/^error REGISTRY_NOT_CONFIGURED: /);
    },
  );
});
