import { beforeEach, describe, expect, test } from 'vitest';
import { BadDataError, type Log, must, OutageError, StopError } from '../foundation/index.ts';
import { BundledRegistry, type SchemaRegistry } from '../schemas/index.ts';
import { MappingsInForce } from './mappings-in-force.ts';

const clock = { now: () => 1_700_000_000_000, sleep: async () => undefined };
const a = 'a-value';
const b = 'b-value';
const c = 'c-value';

let registry: BundledRegistry;
let said: { readonly level: string; readonly message: string }[];
beforeEach(() => {
  registry = BundledRegistry.of([]);
  said = [];
});

/** A process that begins: nothing is left of the one before. */
function start(subjects: readonly string[], over: SchemaRegistry = registry): MappingsInForce {
  const say = (level: string) => (_fields: object, message: string) => {
    said.push({ level, message });
  };
  const log: Log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const mappings = new MappingsInForce({ registry: over, clock, random: () => 0, log });
  for (const subject of subjects) mappings.expect(subject);
  return mappings;
}

/** A schema that says of which kind the property of an account is. */
function text(level: 'string' | 'int', doc: string, more: object = {}, property = 'level'): string {
  const time = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } };
  const fields = [time, { name: 'member', type: 'string' }, { name: 'level', type: level }];
  const nodes = [{ type: 'Account', id: 'member', properties: { [property]: 'level' } }];
  return JSON.stringify({
    type: 'record',
    name: 'Seen',
    doc,
    fields,
    graph: { domain: 'd', time: 'at', nodes, ...more },
  });
}

const broken = (doc: string): string => text('int', doc, { time: 'nope' });

/** As a registry that counts its ids up: its id is above all of those before. The bundled one makes ids from the text. */
async function register(subject: string, make: (doc: string) => string): Promise<void> {
  for (let attempt = 0; attempt < 10_000; attempt += 1) {
    const doc = `${subject} ${attempt}`;
    const trial = await BundledRegistry.of([{ subject, text: make(doc) }]).latest(subject);
    const { id } = must(trial, 'a version').schema;
    if (id <= highest || id > highest + idStep) continue;
    highest = id;
    await registry.register(subject, make(doc));
    return;
  }
  throw new Error('no such id was found');
}
const idStep = 2 ** 26;
let highest = 0;
beforeEach(() => {
  highest = 0;
});

const errors = (): readonly string[] =>
  said.filter(({ level }) => level === 'error').map(({ message }) => message);
const versionsOf = (mappings: MappingsInForce): unknown =>
  Object.fromEntries(mappings.status().map(({ subject, inForce }) => [subject, inForce?.version ?? null]));
const conflict = (loser: string, winner: string) => ({
  code: 'GRAPH_SCHEMA_CONFLICT',
  reaction: 'stop',
  message: expect.stringMatching(
    new RegExp(`mapping of ${loser} (.|\n)*(${winner}|${loser}).*(${winner}|${loser})`),
  ),
});

describe('a start while the newest version does not compile', () => {
  test.each(['expected', 'met later'])('goes by the last good one and keeps the alarm, %s', async (when) => {
    await register(a, (doc) => text('int', doc));
    await register(a, (doc) => text('int', doc, { rank: 2 }));
    await register(a, broken);
    await register(a, broken);
    const mappings = start(when === 'expected' ? [a] : [b]);
    if (when !== 'expected') await mappings.poll();
    const mapping = await mappings.of(a);
    expect(mapping.reader?.from).toMatchObject({ subject: a, version: 2 });
    expect(mappings.status()).toContainEqual({
      subject: a,
      inForce: { subject: a, version: 2 },
      alarm: expect.objectContaining({ code: 'MAPPING_INVALID', subject: a, version: 4 }),
    });
    await mappings.poll();
    await mappings.of(a);
    expect(errors()).toEqual([expect.stringMatching(/version 4 .*Version 2 of a-value stays in force\.$/s)]);
    await register(a, (doc) => text('int', doc, { rank: 5 }));
    await mappings.poll();
    expect(mappings.status()).toContainEqual({
      subject: a,
      inForce: { subject: a, version: 5 },
      alarm: null,
    });
  });

  test('goes by the events’ own schema where no reader schema is fit', async () => {
    await register(a, (doc) => text('int', doc));
    await register(`${a}.graph`, broken);
    const mapping = await start([a]).of(a);
    expect(mapping.reader?.from).toMatchObject({ subject: a, version: 1 });
  });

  test('stops by name where no version is good', async () => {
    await register(a, broken);
    await register(a, broken);
    const mappings = start([a]);
    for (let round = 0; round < 2; round += 1) {
      await expect(mappings.of(a)).rejects.toMatchObject({
        code: 'MAPPING_INVALID',
        reaction: 'stop',
        message: expect.stringContaining('a-value version 2'),
      });
    }
    expect(errors()).toHaveLength(1);
  });
});

describe('two first mappings that contradict each other', () => {
  test.each([
    { first: a, second: b, asked: [a, b] },
    { first: a, second: b, asked: [b, a] },
    { first: b, second: a, asked: [a, b] },
    { first: b, second: a, asked: [b, a] },
  ])(
    'the one of $first was registered first and wins, asked for $asked',
    async ({ first, second, asked }) => {
      await register(first, (doc) => text('int', doc));
      await register(second, (doc) => text('string', doc));
      const mappings = start(asked);
      const results = await Promise.allSettled(asked.map((subject) => mappings.of(subject)));
      const of = (subject: string): unknown => results[asked.indexOf(subject)];
      expect(of(first)).toMatchObject({
        status: 'fulfilled',
        value: { reader: { from: { subject: first } } },
      });
      expect(of(second)).toMatchObject({ status: 'rejected', reason: conflict(second, first) });
      expect(versionsOf(mappings)).toEqual({ [first]: 1, [second]: null });
    },
  );

  test('and the watch that looks before anybody asks decides the same', async () => {
    await register(b, (doc) => text('int', doc));
    await register(a, (doc) => text('string', doc));
    const mappings = start([a, b]);
    await mappings.poll();
    expect(versionsOf(mappings)).toEqual({ [a]: null, [b]: 1 });
    await expect(mappings.of(a)).rejects.toMatchObject(conflict(a, b));
  });

  test('the one that was there first wins with a newer version as well, or one that does not compile', async () => {
    await register(a, (doc) => text('int', doc));
    await register(b, (doc) => text('string', doc));
    await register(a, (doc) => text('int', doc, { rank: 2 }));
    expect((await start([a, b]).of(a)).reader?.from).toMatchObject({ subject: a, version: 2 });
    await register(a, broken);
    const mappings = start([a, b]);
    expect((await mappings.of(a)).reader?.from).toMatchObject({ subject: a, version: 2 });
    await expect(mappings.of(b)).rejects.toMatchObject(conflict(b, a));
  });

  test('a newer version that contradicts another subject leaves the older one in force', async () => {
    await register(a, (doc) => text('int', doc, {}, 'other'));
    await register(b, (doc) => text('string', doc));
    await register(a, (doc) => text('int', doc));
    const mappings = start([a, b]);
    await mappings.poll();
    expect(versionsOf(mappings)).toEqual({ [a]: 1, [b]: 1 });
    expect(errors()).toHaveLength(1);
  });
});

describe('the first look', () => {
  const silentAbout = (isSilent: (subject: string) => boolean, error: Error): SchemaRegistry => ({
    schemaById: (id) => registry.schemaById(id),
    latest: async (subject) => {
      if (isSilent(subject)) throw error;
      return registry.latest(subject);
    },
    versions: (subject) => registry.versions(subject),
    register: (subject, schema) => registry.register(subject, schema),
    close: async () => undefined,
  });
  const outage = new OutageError('REGISTRY_UNREACHABLE', 'down');

  test('decides nothing during an outage, and as ever after it', async () => {
    await register(b, (doc) => text('int', doc));
    await register(a, (doc) => text('string', doc));
    let isDown = true;
    const mappings = start(
      [a, b],
      silentAbout(() => isDown, outage),
    );
    for (let round = 0; round < 5; round += 1) await expect(mappings.of(a)).rejects.toBe(outage);
    isDown = false;
    await expect(mappings.of(a)).rejects.toMatchObject(conflict(a, b));
    expect(versionsOf(mappings)).toEqual({ [a]: null, [b]: 1 });
  });

  test('waits only so long for a subject about which the registry stays silent', async () => {
    await register(c, (doc) => text('int', doc));
    const mappings = start(
      [b, c],
      silentAbout((subject) => subject === b, outage),
    );
    await expect(mappings.of(c)).rejects.toBe(outage);
    await expect(mappings.of(c)).rejects.toBe(outage);
    expect((await mappings.of(c)).reader?.from).toMatchObject({ subject: c });
    await expect(mappings.of(b)).rejects.toBe(outage);
  });

  test('goes past a newest version that is none that is read, and says so once', async () => {
    await register(c, (doc) => text('int', doc));
    const strange = new BadDataError('SCHEMA_NOT_AVRO', 'It is Protobuf.');
    const mappings = start(
      [c],
      silentAbout((subject) => subject === c, strange),
    );
    for (let round = 0; round < 3; round += 1) await mappings.poll();
    expect(versionsOf(mappings)).toEqual({ [c]: 1 });
    expect(said.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'The newest version of c-value is passed over: It is Protobuf.',
    ]);
  });

  test('lets a refusal of one subject be its own', async () => {
    await register(c, (doc) => text('int', doc));
    const refused = new StopError('REGISTRY_REFUSED', 'no permission');
    const mappings = start(
      [b, c],
      silentAbout((subject) => subject === b, refused),
    );
    expect((await mappings.of(c)).reader?.from).toMatchObject({ subject: c });
    await expect(mappings.of(b)).rejects.toBe(refused);
  });

  const blindTo = (lacksVersions: () => boolean, error: Error): SchemaRegistry => ({
    ...silentAbout(() => false, error),
    versions: async (subject) => {
      if (subject === b && lacksVersions()) throw error;
      return registry.versions(subject);
    },
  });

  describe.each([
    ['contradicts another', (doc: string) => text('string', doc)],
    ['does not compile', broken],
  ])('of a subject whose newest version %s and whose older ones are not to be had', (_what, newest) => {
    beforeEach(async () => {
      await register(c, (doc) => text('int', doc, {}, 'other'));
      await register(a, (doc) => text('int', doc));
      await register(b, (doc) => text('int', doc, { rank: 2 }));
      await register(b, newest);
    });

    test('has all others in force when the registry refuses, and that one when it no longer does', async () => {
      const refused = new StopError('REGISTRY_REFUSED', 'no permission');
      let isRefusing = true;
      const mappings = start(
        [a, b, c],
        blindTo(() => isRefusing, refused),
      );
      await mappings.poll();
      expect(versionsOf(mappings)).toEqual({ [a]: 1, [b]: null, [c]: 1 });
      await expect(mappings.of(b)).rejects.toBe(refused);
      expect((await mappings.of(a)).reader?.from).toMatchObject({ subject: a });
      for (let round = 0; round < 3; round += 1) await mappings.poll();
      expect(said.filter(({ level }) => level === 'warn')).toHaveLength(1);
      isRefusing = false;
      await mappings.poll();
      expect(versionsOf(mappings)).toEqual({ [a]: 1, [b]: 1, [c]: 1 });
      expect(errors()).toEqual([expect.stringContaining('b-value version 2')]);
    });

    test('waits only so long while the registry is silent about them', async () => {
      let isDown = true;
      const mappings = start(
        [a, b, c],
        blindTo(() => isDown, outage),
      );
      for (let round = 0; round < 2; round += 1) await expect(mappings.of(a)).rejects.toBe(outage);
      expect((await mappings.of(a)).reader?.from).toMatchObject({ subject: a });
      expect(versionsOf(mappings)).toEqual({ [a]: 1, [b]: null, [c]: 1 });
      await expect(mappings.of(b)).rejects.toBe(outage);
      isDown = false;
      expect((await mappings.of(b)).reader?.from).toMatchObject({ subject: b, version: 1 });
    });
  });

  test('tells of what it finds for those who debug only, and of a first mapping that comes later to everybody', async () => {
    await register(a, (doc) => text('int', doc));
    const mappings = start([a, b]);
    await mappings.poll();
    await register(b, (doc) => text('int', doc));
    await mappings.poll();
    expect(said).toEqual([
      { level: 'debug', message: 'The mapping of a-value version 1 is in force.' },
      { level: 'info', message: 'The mapping of b-value version 1 is in force.' },
    ]);
  });
});
