import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

const atMs = Date.UTC(2026, 5, 1);
const container = (codec: string): string =>
  join(import.meta.dirname, '..', 'ingest', 'fixtures', `rides-${codec}.avro`);

let folder: string;
beforeEach(async () => {
  for (const name of Object.keys(process.env)) {
    if (/^(JG|KAFKA|SCHEMA_REGISTRY)_/.test(name)) vi.stubEnv(name, undefined);
  }
  folder = await mkdtemp(join(tmpdir(), 'journey-graph-preview-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

interface Ride {
  readonly properties?: object;
  readonly where?: string;
  readonly edge?: boolean;
  readonly riderType?: unknown;
  readonly rider?: unknown;
}

/** As the container files of other tools have it, with a mapping. */
async function ride(file: string, of: Ride = {}): Promise<string> {
  const { properties = { city: 'city' }, where, edge = true, riderType = 'string', rider = 'rider' } = of;
  const path = join(folder, file);
  const schema = {
    type: 'record',
    name: 'Ride',
    namespace: 'com.example',
    fields: [
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'rider', type: riderType },
      { name: 'city', type: ['null', 'string'], default: null },
    ],
    graph: {
      domain: 'mobility',
      time: 'at',
      ...(where === undefined ? {} : { where }),
      nodes: [
        { type: 'Rider', id: rider, properties },
        { type: 'City', id: 'city', optional: true },
      ],
      ...(edge ? { edges: [{ type: 'RODE_IN', from: 'Rider', to: 'City' }] } : {}),
      journey: { owner: 'Rider', action: 'rode' },
    },
  };
  await writeFile(path, JSON.stringify(schema, null, 2));
  return path;
}

async function run(...commandLine: readonly string[]) {
  const io = fakeIo();
  const code = await runProgram(['schema', 'preview', ...commandLine], io);
  return { code, ...io.written };
}

interface Row {
  readonly name: string;
}

async function report(...commandLine: readonly string[]) {
  const { code, out, err } = await run(...commandLine, '--json');
  const json = JSON.parse(out);
  const row = (name: string): unknown => json.mutations.find((one: Row) => one.name === name);
  return { code, err, json, row };
}

describe('jg schema preview', () => {
  it('says that nothing changes where nothing does', async () => {
    const before = await ride('before.avsc');
    const { code, out, err } = await run(before, '--against', before, '--samples', container('snappy'));
    expect(err).toBe('');
    expect(out).toContain('5 samples');
    expect(out).toContain('all equal');
    expect(out).toContain('Nothing is lost.');
    expect(code).toBe(0);
  });

  it('counts what appears, vanishes and changes, by type and property, with an example of each', async () => {
    const before = await ride('before.avsc', { properties: { city: 'city', since: 'at' } });
    const properties = {
      city: { path: 'city', apply: ['upperCase'] },
      since: 'rider',
      by: 'rider',
    };
    const after = await ride('after.avsc', { properties, edge: false });
    const samples = container('null');
    const { code, json, row } = await report(after, '--against', before, '--samples', samples);
    expect(row('Rider')).toMatchObject({ before: 5, after: 5, appears: 0, vanishes: 0, changesValue: 0 });
    expect(row('Rider .city')).toMatchObject({
      before: 3,
      after: 3,
      changesValue: 3,
      changesKind: 0,
      examples: [{ what: 'changes', at: `${samples}#0`, before: '"Oslo"', after: '"OSLO"' }],
    });
    expect(row('Rider .since')).toMatchObject({ before: 5, after: 5, changesValue: 5, changesKind: 5 });
    expect(row('Rider .by')).toMatchObject({ before: 0, after: 5, appears: 5 });
    expect(row('Rider RODE_IN City')).toMatchObject({ before: 3, after: 0, vanishes: 3 });
    expect(json.graph).toContainEqual({
      change: 'changed',
      name: 'node Rider .since',
      before: 'timestamp',
      after: 'text',
    });
    expect(json.losses).toEqual([
      `no edge Rider RODE_IN City is left of 3, such as in ${samples}#0`,
      'node Rider .since would be text, and is timestamp now',
    ]);
    expect(code).toBe(5);
  });

  it('says which fields are read and which never are', async () => {
    const before = await ride('before.avsc');
    const after = await ride('after.avsc', { properties: {}, where: "rider != 'nobody'" });
    const { json } = await report(after, '--against', before, '--samples', container('null'));
    expect(json.fields).toEqual([
      { path: 'at', filled: 5, readBefore: true, readAfter: true },
      { path: 'rider', filled: 5, readBefore: true, readAfter: true },
      { path: 'city', filled: 3, readBefore: true, readAfter: true },
    ]);
  });

  it('counts events that are no longer applied as a loss, and lets it pass when told to', async () => {
    const before = await ride('before.avsc');
    const after = await ride('after.avsc', { where: "rider != 'r-3'" });
    const files = [after, '--against', before, '--samples', container('deflate')];
    const { code, out, err } = await run(...files);
    expect(out).toContain(`1 event would be filtered that is applied now, such as ${container('deflate')}#3`);
    expect(err).toMatch(/^error PREVIEW_LOSS: /);
    expect(code).toBe(5);
    expect(await run(...files, '--accept-loss')).toMatchObject({ code: 0, err: '' });
  });

  it('counts events that could no longer be read as dead letters', async () => {
    const before = await ride('before.avsc');
    const after = await ride('after.avsc', { riderType: 'long' });
    const { code, json } = await report(after, '--against', before, '--samples', container('null'));
    expect(json.fates).toContainEqual({
      fate: 'dead letter',
      code: 'SCHEMA_INCOMPATIBLE',
      before: 0,
      after: 5,
    });
    expect(json.losses[0]).toMatch(/^5 events would become dead letters with SCHEMA_INCOMPATIBLE, such as /);
    expect(code).toBe(5);
  });

  it('takes lines of JSON in the form of fixtures, and says which line is none', async () => {
    const before = await ride('before.avsc');
    const samples = join(folder, 'rides.ndjson');
    const line = (event: unknown): string => JSON.stringify({ event });
    const good = { at: atMs, rider: 'ana', city: null };
    await writeFile(samples, `${line(good)}\n\n${line({ ...good, city: { string: 'Oslo' } })}`);
    const { json, row } = await report(before, '--against', before, '--samples', samples);
    expect(json.samples).toBe(2);
    expect(row('Rider .city')).toMatchObject({ before: 1, after: 1 });
    await writeFile(samples, `${line(good)}\n${line({ rider: 7 })}\n`);
    const { code, err } = await run(before, '--against', before, '--samples', samples);
    expect(err).toMatch(
      /^error SAMPLES_UNREADABLE: .*rides\.ndjson:2 holds an event that does not fit the schema/,
    );
    expect(code).toBe(2);
  });

  it('takes lines of JSON, or one fixture, from a pipe', async () => {
    const before = await ride('before.avsc');
    const event = { at: atMs, rider: '7', city: { string: 'Oslo' } };
    const pipe = join(folder, 'pipe');
    await promisify(execFile)('mkfifo', [pipe]);
    for (const [text, samples] of [
      [`${JSON.stringify({ event })}\n`.repeat(3), 3],
      [JSON.stringify({ event }, null, 2), 1],
    ] as const) {
      const [{ json, code }] = await Promise.all([
        report(before, '--against', before, '--samples', pipe),
        writeFile(pipe, text),
      ]);
      expect(json.samples).toBe(samples);
      expect(code).toBe(0);
    }
  });

  it('takes a folder of fixtures', async () => {
    const before = await ride('before.avsc');
    await runProgram(['schema', 'test', '--update', before], fakeIo());
    const fixtures = join(folder, 'before.fixtures');
    const { code, json } = await report(before, '--against', before, '--samples', fixtures);
    expect(json.samples).toBeGreaterThan(1);
    expect(code).toBe(0);
  });

  it('stops at the limit', async () => {
    const before = await ride('before.avsc');
    const files = ['--against', before, '--samples', container('null')];
    expect((await report(before, ...files, '--limit', '2')).json.samples).toBe(2);
  });

  it('says the problems of a proposal that does not compile, and runs nothing', async () => {
    const before = await ride('before.avsc');
    const after = await ride('after.avsc', { properties: { town: 'towm' } });
    const { code, out } = await run(after, '--against', before, '--samples', container('null'));
    expect(out).toMatch(/after\.avsc:\d+:\d+: graph\.nodes\[0\]\.properties\.town: `towm` names no field/);
    expect(code).toBe(2);
  });

  it.each<[string, readonly string[], RegExp]>([
    ['no source', [], /Name where to take samples from/],
    ['two sources', ['--topic', 't', '--samples', 's'], /one of them/],
    ['nothing to compare with', ['--samples', 's'], /Name what to compare with/],
    ['no registry', ['--topic', 't'], /REGISTRY_NOT_CONFIGURED/],
    ['a limit of none', ['--samples', 's', '--limit', '0'], /--limit takes a whole number from 1 to 100000/],
    ['a time that is none', ['--samples', 's', '--from', 'yesterday'], /--from takes newest, earliest/],
  ])('refuses %s with what to do', async (_what, options, reason) => {
    const { code, err } = await run(await ride('ride.avsc'), ...options);
    expect(err).toMatch(reason);
    expect(code).toBe(2);
  });

  it('refuses to say anything about no samples', async () => {
    const before = await ride('before.avsc');
    await writeFile(join(folder, 'none.ndjson'), '\n');
    const { code, err } = await run(before, '--against', before, '--samples', join(folder, 'none.ndjson'));
    expect(err).toMatch(/^error NO_SAMPLES: .*none\.ndjson gave no sample: nothing was compared/);
    expect(code).toBe(2);
  });
});
