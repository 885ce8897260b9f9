import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

/** What a person waits for without wondering; the slowest of these takes a fraction of it. */
const withinMs = 10_000;
const mebibyte = 1_048_576;

let folder: string;
beforeAll(async () => {
  for (const name of Object.keys(process.env)) {
    if (/^(JG|KAFKA|SCHEMA_REGISTRY)_/.test(name)) vi.stubEnv(name, undefined);
  }
  folder = await mkdtemp(join(tmpdir(), 'journey-graph-bad-'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function run(...commandLine: readonly string[]) {
  const io = fakeIo();
  const beganMs = systemClock.now();
  const code = await runProgram(['schema', ...commandLine], io);
  return { code, said: io.written.out + io.written.err, ms: systemClock.now() - beganMs };
}

const at = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } };
const id = { name: 'id', type: 'string' };

function schema(fields: readonly object[], graph: object = {}): string {
  const mapping = { domain: 'd', time: 'at', nodes: [{ type: 'Account', id: 'id' }], ...graph };
  return JSON.stringify({ type: 'record', name: 'E', fields: [at, ...fields], graph: mapping }, null, 2);
}

function nested(levels: number): object {
  let type: unknown = 'string';
  for (let level = 0; level < levels; level += 1)
    type = { type: 'record', name: `L${level}`, fields: [{ name: 'x', type }] };
  return { name: 'deep', type };
}

const branches = Array.from({ length: 5_000 }, (_, number) => ({
  type: 'record',
  name: `Branch${number}`,
  fields: [],
}));

describe('a schema that is no good is refused in a sentence, with its place where it has one', () => {
  it.each<[string, string | Buffer, RegExp]>([
    [
      'a union of 5,000 branches',
      schema([id, { name: 'u', type: branches }]),
      /file\.avsc:\d+:\d+: fields\[2\]\.type: The schema has a union of 5000 branches; the limit is 256$/,
    ],
    [
      '60 levels of records',
      schema([id, nested(60)]),
      /file\.avsc:\d{2,}:\d+: The schema nests too deep; the limit is 96 levels of JSON, about 24 records in each other$/,
    ],
    [
      'two types that GraphQL would call alike',
      schema([id], {
        nodes: [
          { type: 'live_show', id: 'id' },
          { type: 'LiveShow', id: 'id' },
        ],
      }),
      /file\.avsc:\d+:\d+: graph\.nodes\[1\]\.type: LiveShow .* are both `LiveShow` in GraphQL: .*another name$/,
    ],
    [
      'two properties that GraphQL would call alike',
      schema([id], {
        nodes: [{ type: 'Account', id: 'id', properties: { watch_time: 'id', watchTime: 'id' } }],
      }),
      /file\.avsc:\d+:\d+: graph\.nodes\[0\]\.properties\.watchTime: .* are both `watchTime` in GraphQL/,
    ],
    [
      'a type that the API needs',
      schema([id], { nodes: [{ type: 'Query', id: 'id' }] }),
      /file\.avsc:\d+:\d+: graph\.nodes\[0\]\.type: Query is called `Query` in GraphQL, a name that .* needs/,
    ],
    [
      'a type called __proto__',
      schema([id], { nodes: [{ type: '__proto__', id: 'id' }] }),
      /file\.avsc:\d+:\d+: graph\.nodes\[0\]\.type: is a reserved name$/,
    ],
    [
      'a field called __proto__',
      schema([id, { name: '__proto__', type: 'int' }]),
      /file\.avsc:\d+:\d+: .*`__proto__`, which is refused$/,
    ],
    [
      'an id that may be NaN',
      schema([{ name: 'id', type: 'double' }]),
      /file\.avsc:\d+:\d+: graph\.nodes\[0\]\.id: leads to a double: an id must be a string/,
    ],
    [
      'more nodes than a mapping may have',
      schema([id], {
        nodes: Array.from({ length: 1_001 }, (_, number) => ({ as: `n${number}`, type: 'A', id: 'id' })),
      }),
      /file\.avsc:\d+:\d+: graph\.nodes: must declare no more than 1000$/,
    ],
    [
      'two fields of one name',
      schema([id, id]),
      /file\.avsc:\d+:\d+: fields\[2\]: the schema is not valid Avro: two fields are called `id`$/,
    ],
    [
      'a type that is not there',
      schema([id, { name: 'x', type: 'strnig' }]),
      /file\.avsc:\d{2,}:\d+: .*undefined type name: strnig \(did you mean `string`\?\)$/,
    ],
    [
      'a comma too many',
      '{\n  "type": "record",\n  "fields": [,]\n}',
      /file\.avsc:3:14: .*not JSON: `,` is not expected here$/,
    ],
    [
      'JSON that is cut',
      '{ "type": "record",\n  "name": ',
      /file\.avsc:2:\d+: the schema is not JSON: it ends too early$/,
    ],
    ['nothing', '', /file\.avsc:1:1: the schema is not JSON: it ends too early$/],
    ['JSON that is no schema', '[1, 2]', /file\.avsc:1:1: The schema is not valid Avro/],
    ['a binary file', Buffer.of(0x89, 0x50, 0, 1, 2, 3), /file\.avsc is a binary file \(byte 2 is NUL\)/],
    [
      'a text that is not UTF-8',
      Buffer.from('{"doc":"café"}', 'latin1'),
      /file\.avsc is not a text in UTF-8/,
    ],
    [
      'two megabytes of schema',
      schema([{ ...id, doc: 'x'.repeat(2 * mebibyte) }]),
      /file\.avsc:1:1: The schema has \d+ bytes; the limit is 1048576 bytes$/,
    ],
  ])('%s', async (_what, content, sentence) => {
    const file = join(folder, 'file.avsc');
    await writeFile(file, content);
    const { code, said, ms } = await run('check', file);
    const lines = said.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(2);
    expect(lines[0]).toMatch(new RegExp(sentence.source.replace(/\$$/, '\\.?$')));
    expect(said.length).toBeLessThan(1_000);
    expect(code).toBe(2);
    expect(ms).toBeLessThan(withinMs);
  });

  it.each(['check', 'new', 'test', 'preview'])(
    'jg schema %s: a file of 100 MiB, a folder, and none',
    async (command) => {
      const large = join(folder, 'large.avsc');
      const handle = await open(large, 'w');
      await handle.truncate(100 * mebibyte);
      await handle.close();
      const more = command === 'preview' ? ['--samples', folder, '--against', large] : [];
      for (const [file, sentence] of [
        [large, /large\.avsc has 104857600 bytes, and the limit is 16777216\.$/],
        [folder, /it is a folder\.$/],
        [join(folder, 'nowhere.avsc'), /nowhere\.avsc cannot be read: there is no such file\.$/],
      ] as const) {
        const { code, said, ms } = await run(command, file, ...more);
        expect(said.trimEnd()).toMatch(sentence);
        expect(code).toBe(2);
        expect(ms).toBeLessThan(withinMs);
      }
    },
  );
});

describe('an event that is no good becomes a dead letter with a sentence', () => {
  const items = { name: 'items', type: { type: 'array', items: 'string' } };
  const many = {
    forEach: [
      {
        in: 'items',
        as: 'item',
        nodes: [{ type: 'Item', id: 'item' }],
        edges: [{ type: 'HAS', from: 'Account', to: 'Item' }],
      },
    ],
  };
  const nullable = { name: 'id', type: ['null', 'string'] };
  const nan = { nodes: [{ type: 'Account', id: 'id', properties: { share: { cel: 'weight / 0.0' } } }] };

  it.each<[string, string, object, RegExp]>([
    [
      'with 10,000 mutations',
      schema([id, items], many),
      { id: 'a', items: Array.from({ length: 10_000 }, (_, number) => `i-${number}`) },
      /more than 2000 mutations.*raise mapping\.mutations\.max/,
    ],
    [
      'with a null for an id',
      schema([nullable]),
      { id: null },
      /`id` is null, but the Account it names is not optional/,
    ],
    ['with an empty id', schema([id]), { id: '' }, /`id`.*empty/],
    ['with an id of 1 MB', schema([id]), { id: 'x'.repeat(1_000_000) }, /`id`.*1,?024/],
    [
      'with a number that is NaN',
      schema([id, { name: 'weight', type: 'double' }], nan),
      { id: 'a', weight: 0 },
      /finite|NaN/,
    ],
  ])('%s', async (_what, text, event, reason) => {
    const file = join(folder, 'event.avsc');
    const fixture = join(folder, 'event.fixtures', 'case.json');
    await mkdir(join(folder, 'event.fixtures'), { recursive: true });
    await writeFile(file, text);
    await writeFile(fixture, JSON.stringify({ event: { at: 1_780_272_000_000, ...event }, expected: {} }));
    const { code, said, ms } = await run('test', file);
    expect(said).toMatch(/"deadLetter"/);
    expect(said).toMatch(reason);
    expect(said.length).toBeLessThan(2_000);
    expect(code).toBe(1);
    expect(ms).toBeLessThan(withinMs);
  });
});
