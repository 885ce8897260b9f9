import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';
import { type RegistryServer, startRegistryServer } from './registry-server.fake.ts';

let folder: string;
let server: RegistryServer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journey-graph-register-'));
  server = await startRegistryServer();
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Ride {
  readonly id?: string;
  readonly properties?: object;
  readonly node?: object;
}

async function ride({ id = 'rider', properties = { city: 'city' }, node = {} }: Ride = {}): Promise<string> {
  const schema = {
    type: 'record',
    name: 'Ride',
    fields: [
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'rider', type: 'string' },
      { name: 'number', type: 'int' },
      { name: 'city', type: 'string' },
    ],
    graph: {
      domain: 'mobility',
      time: 'at',
      nodes: [{ type: 'Rider', id, properties, ...node }],
      journey: { owner: 'Rider', action: 'rode' },
    },
  };
  const file = join(folder, 'ride.avsc');
  await writeFile(file, JSON.stringify(schema, null, 2));
  return file;
}

async function run(...commandLine: readonly string[]) {
  const io = fakeIo({ clock: systemClock });
  const code = await runProgram(['schema', ...commandLine, '--schema.registry.url', server.url], io);
  return { code, ...io.written };
}

const register = async (subject: string, of: Ride = {}, ...more: readonly string[]) =>
  run('register', await ride(of), '--subject', subject, ...more);

describe('jg schema register', () => {
  it('refuses a text that an older version has, since the registry would change nothing', async () => {
    expect((await register('rides-value')).out).toContain('Registered as rides-value version 1');
    expect((await register('rides-value', { properties: {} })).out).toContain('version 2');
    for (const more of [[], ['--dry-run']]) {
      const { code, out, err } = await register('rides-value', {}, ...more);
      expect(err).toContain('That text is rides-value version 1 already and version 2 is newer');
      expect(out).not.toContain('Registered');
      expect(code).toBe(2);
    }
  });

  it('says that the newest version is the same already', async () => {
    await register('rides-value');
    const { code, out, err } = await register('rides-value');
    expect(err).toBe('It is registered already, as rides-value version 1.\n');
    expect(out).not.toContain('Registered');
    expect(code).toBe(0);
  });

  it.each([
    [
      'the form of ids',
      { id: 'number' },
      /Rider has as id .* rides-value .* walks-value|Rider has as id .* walks-value .* rides-value/,
    ],
    [
      'the kind of a property',
      { properties: { city: 'number' } },
      /Rider\.city is .*(rides-value.*walks-value|walks-value.*rides-value)/,
    ],
  ])('refuses what contradicts another subject about %s, and names both', async (_what, of, sentence) => {
    await register('rides-value');
    const commands = [
      ['check', await ride(of), '--subject', 'walks-value'],
      ['register', await ride(of), '--subject', 'walks-value', '--dry-run'],
      ['register', await ride(of), '--subject', 'walks-value'],
    ];
    for (const line of commands) {
      const { code, out } = await run(...line);
      expect(out).toMatch(sentence);
      expect(out).toMatch(/ride\.avsc:\d+:\d+: graph\.nodes\[0\]/);
      expect(code).toBe(2);
    }
    expect(await server.registry.versions('walks-value')).toEqual([]);
  });

  it('looks at the newest version of another subject that compiles, not at a broken one behind it', async () => {
    await register('rides-value');
    const [first] = await server.registry.versions('rides-value');
    await server.registry.register(
      'rides-value',
      (first?.schema.text ?? '').replace('"id": "rider"', '"id": "ridr"'),
    );
    expect((await register('walks-value', { id: 'number' })).out).toContain('Rider has as id');
    expect((await register('walks-value')).code).toBe(0);
  });

  it('does not hold a subject against its own reader schema', async () => {
    await register('rides-value');
    expect((await register('rides-value.graph', { id: 'number' })).code).toBe(0);
  });

  it('notes a reader schema whose events have no subject', async () => {
    await register('rides-value');
    const { out } = await register('rides.graph', {}, '--dry-run');
    expect(out).toContain('there is no subject rides whose events');
    expect(out).toContain('did you mean rides-value.graph?');
  });
});

describe('jg schema check with a subject', () => {
  it('notes what a version would destroy of what is in force', async () => {
    await register('rides-value', { node: { ttl: '365d' } });
    const file = await ride({ node: { ttl: '1h' }, properties: {} });
    const { code, out } = await run('check', file, '--subject', 'rides-value');
    expect(out).toContain(
      'against rides-value version 1: node Rider would be kept for 1h, and is kept for 365d now',
    );
    expect(out).toContain('node Rider .city would not be written any more');
    expect(out).toContain('compared with version 1, where the registry refuses nothing (compatibility NONE)');
    expect(code).toBe(0);
  });

  it('says in words that there is nothing to compare with', async () => {
    const { out } = await run('check', await ride(), '--subject', 'rides-value');
    expect(out).toContain('the registry has no other version to compare with (compatibility NONE)');
  });
});

describe('jg schema preview with a registry', () => {
  it('says what contradicts another subject, beside what it would change', async () => {
    await register('walks-value');
    await register('rides-value', { properties: {} });
    const event = { at: Date.UTC(2026, 5, 1), rider: '7', number: 1, city: 'Oslo' };
    const samples = join(folder, 'rides.ndjson');
    await writeFile(samples, JSON.stringify({ event }));
    const file = await ride({ properties: { city: 'number' } });
    const { code, out } = await run('preview', file, '--subject', 'rides-value', '--samples', samples);
    expect(out).toMatch(/Rider\.city is .*walks-value/);
    expect(out).toContain('1 sample');
    expect(code).toBe(2);
  });
});
