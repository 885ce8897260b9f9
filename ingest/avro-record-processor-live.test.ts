import { beforeEach, describe, expect, test } from 'vitest';
import {
  BadDataError,
  type Log,
  must,
  OutageError,
  StopError,
  silentLog,
  systemClock,
} from '../foundation/index.ts';
import { createMemoryStore } from '../graph-store/index.ts';
import { BundledRegistry, EventEncoder, type SchemaRegistry } from '../schemas/index.ts';
import {
  AvroRecordProcessor,
  avroRecordProcessorDefaults,
  type SubjectStrategy,
} from './avro-record-processor.ts';
import { MappingsInForce, mappingSettingsDefault } from './mappings-in-force.ts';
import { Pipeline } from './pipeline.ts';
import { HandSource, limits, partsWith, turns } from './pipeline-testing.ts';
import type { Outcome } from './record-processor.ts';

const at = 1_700_000_000_123;
const clock = { now: () => at + 1_000, sleep: async () => undefined };
const topic = 'streaming.playback';
const subject = `${topic}-value`;
const source = { cluster: 'c', topic, topicId: 't', partition: 0 };

const time = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } };
const member = { name: 'member', type: 'string' };
const seconds = { name: 'seconds', type: 'int', default: 0 };
const device = {
  name: 'device',
  type: {
    type: 'record',
    name: 'Device',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'tags', type: { type: 'map', values: 'string' } },
    ],
  },
};
const event = { at, member: 'm-1', seconds: 60, device: { id: 'd-1', tags: { a: 'b' } } };
const graph = { domain: 'streaming', time: 'at', nodes: [{ type: 'Account', id: 'member' }] };
const rank = (value: number): object => ({ ...graph, rank: value });

function schemaText(fields: readonly object[], mapping?: object): string {
  return JSON.stringify({
    type: 'record',
    name: 'Played',
    namespace: 'streaming',
    fields,
    ...(mapping && { graph: mapping }),
  });
}

const written = schemaText([time, member, seconds, device]);

interface Said {
  readonly level: keyof Log;
  readonly fields: object;
  readonly message: string;
}

let said: Said[];
let down: Error | null;
let asked: string[];
beforeEach(() => {
  said = [];
  asked = [];
  down = null;
});

/** A running process: its registry, its mappings, and a processor of the topic. */
async function start(subjectStrategy: SubjectStrategy = 'topic', log: Log = recorder()) {
  const bundled = BundledRegistry.of([]);
  const registry: SchemaRegistry = {
    schemaById: (id) => bundled.schemaById(id),
    latest: async (name) => {
      asked.push(name);
      if (down !== null) throw down;
      return bundled.latest(name);
    },
    versions: (name) => bundled.versions(name),
    register: (name, text) => bundled.register(name, text),
    close: () => bundled.close(),
  };
  const mappings = new MappingsInForce({ registry, clock, random: () => 0, log });
  const settings = { ...avroRecordProcessorDefaults, subjectStrategy };
  const processor = await AvroRecordProcessor.create({ registry, mappings, tables: null, clock }, settings);
  const register = async (text: string, name = subject): Promise<number> =>
    (await registry.register(name, text)).schema.id;
  return { registry, mappings, processor, register };
}

function recorder(): Log {
  const say = (level: keyof Log) => (fields: object, message: string) => {
    said.push({ level, fields, message });
  };
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
}

function alarms(): readonly Said[] {
  return said.filter(({ level }) => level === 'error');
}

/** As the pipeline does: loads what is asked for, then asks again. */
async function run(
  processor: AvroRecordProcessor,
  id: number,
  text = written,
  value: object = event,
): Promise<Outcome> {
  const now = send(processor, id, text, value);
  if (now.kind !== 'needs-schema') return now;
  await processor.load(now.schemaId, source);
  return send(processor, id, text, value);
}

function send(processor: AvroRecordProcessor, id: number, text = written, value: object = event): Outcome {
  const bytes = new EventEncoder(id, text).encode(value);
  return processor.process(
    { offset: 0n, timestampMs: -1, key: null, value: bytes, headers: null },
    source,
    0,
  );
}

function rankOf(outcome: Outcome): number | string {
  return outcome.kind === 'mapped' ? outcome.event.rank : outcome.kind;
}

describe('a reader schema under a subject of its own', () => {
  const narrow = schemaText([time, member], rank(7));

  test.each([
    ['topic', subject],
    ['record', 'streaming.Played'],
    ['topic-record', `${topic}-streaming.Played`],
  ] as const)('reads what others write, by the strategy %s', async (strategy, name) => {
    const { processor, register } = await start(strategy);
    await register(narrow, `${name}.graph`);
    const id = await register(written, name);
    expect(await run(processor, id)).toMatchObject({
      kind: 'mapped',
      event: { rank: 7, timeMs: at, mutations: [{ kind: 'node', node: { type: 'Account', id: 'm-1' } }] },
    });
  });

  test('stays when the producer registers versions, with a mapping of its own or without', async () => {
    const { processor, mappings, register } = await start();
    await register(narrow, `${subject}.graph`);
    const first = await register(written);
    expect(rankOf(await run(processor, first))).toBe(7);
    const wider = schemaText([time, member, seconds, device, { name: 'more', type: 'long' }], rank(1));
    const second = await register(wider);
    expect(rankOf(await run(processor, second, wider, { ...event, more: 1n }))).toBe(7);
    expect(mappings.status()).toEqual([
      { subject, inForce: { subject: `${subject}.graph`, version: 1 }, alarm: null },
    ]);
  });

  test('means the same events as before: an event that is read again by it supersedes nothing', async () => {
    const { processor, mappings, register } = await start();
    const id = await register(schemaText([time, member, seconds, device], rank(1)));
    const before = await run(processor, id);
    await register(narrow, `${subject}.graph`);
    await mappings.poll();
    const after = send(processor, id);
    expect([rankOf(before), rankOf(after)]).toEqual([1, 7]);
    const occurrences = [before, after].map((one) => one.kind === 'mapped' && one.event.occurrence);
    expect(occurrences[0]).toBe(occurrences[1]);
  });
});

describe('a running pipeline', () => {
  const mapped = (value: number): string => schemaText([time, member, seconds, device], rank(value));

  test('reads old and new writers by a newer mapping, without loading anything', async () => {
    const { processor, mappings, register, registry } = await start();
    const old = await register(schemaText([time, member], rank(1)));
    const first = await register(mapped(1));
    await run(processor, old, schemaText([time, member], rank(1)));
    await run(processor, first);
    await register(mapped(2));
    registry.schemaById = () => Promise.reject(new OutageError('REGISTRY_UNREACHABLE', 'down'));
    const newest = { ...graph, rank: 3, nodes: [{ ...graph.nodes[0], properties: { seconds: 'seconds' } }] };
    await register(schemaText([time, member, seconds], newest));
    await mappings.poll();
    expect(send(processor, first)).toMatchObject({
      event: { rank: 3, mutations: [{ properties: [['seconds', 60]] }] },
    });
    expect(send(processor, old, schemaText([time, member]))).toMatchObject({
      event: { rank: 3, mutations: [{ properties: [['seconds', 0]] }] },
    });
  });

  test('maps what it filtered as soon as a first mapping is there', async () => {
    const { processor, mappings, register } = await start();
    const id = await register(written);
    expect(rankOf(await run(processor, id))).toBe('filtered');
    await register(schemaText([time, member], rank(5)), `${subject}.graph`);
    expect(rankOf(send(processor, id))).toBe('filtered');
    await mappings.poll();
    expect(rankOf(send(processor, id))).toBe(5);
  });

  test('keeps the last good mapping when a newer one does not compile, with one alarm a version', async () => {
    const { processor, mappings, register } = await start();
    const id = await register(mapped(1));
    await run(processor, id);
    await register(schemaText([time, member], { ...rank(2), time: 'nope', bogus: 1 }));
    for (let round = 0; round < 3; round += 1) await mappings.poll();
    expect(rankOf(send(processor, id))).toBe(1);
    // A writer that is new asks the registry as well, and must not stop the topic.
    const other = await register(written);
    expect(rankOf(await run(processor, other))).toBe(1);
    expect(alarms()).toHaveLength(1);
    expect(alarms()[0]).toMatchObject({
      fields: { alarm: 'MAPPING_REFUSED', code: 'MAPPING_INVALID', subject, version: 2, inForce: 1 },
      message: expect.stringMatching(/version 2 cannot be compiled.*Version 1 of .* stays in force\.$/s),
    });
    expect(mappings.status()).toEqual([
      {
        subject,
        inForce: { subject, version: 1 },
        alarm: {
          code: 'MAPPING_INVALID',
          subject,
          version: 2,
          problems: [
            { path: 'graph.bogus', sentence: expect.any(String) },
            { path: 'graph.time', sentence: expect.any(String) },
          ],
          sinceMs: clock.now(),
        },
      },
    ]);
    await register(mapped(3));
    await mappings.poll();
    expect(rankOf(send(processor, id))).toBe(3);
    expect(mappings.status()).toEqual([{ subject, inForce: { subject, version: 4 }, alarm: null }]);
    expect(alarms()).toHaveLength(1);
  });

  test('keeps the last good mapping when a newer one cannot read what is being read', async () => {
    const { processor, mappings, register } = await start();
    const id = await register(mapped(1));
    await run(processor, id);
    await register(schemaText([time, member, { name: 'needed', type: 'int' }], rank(2)), `${subject}.graph`);
    await mappings.poll();
    expect(rankOf(send(processor, id))).toBe(1);
    expect(mappings.status()).toMatchObject([
      { inForce: { version: 1 }, alarm: { code: 'SCHEMA_INCOMPATIBLE', problems: [{ path: 'needed' }] } },
    ]);
    expect(alarms()).toHaveLength(1);
  });

  test('keeps the last good mapping when its subject is gone', async () => {
    const { processor, mappings, register, registry } = await start();
    const id = await register(mapped(1));
    await run(processor, id);
    registry.latest = async () => null;
    await mappings.poll();
    expect(rankOf(send(processor, id))).toBe(1);
  });

  test('is stopped by a first mapping that never compiled, and not by the watch that finds it', async () => {
    const { processor, mappings, register } = await start();
    const id = await register(written);
    expect(rankOf(await run(processor, id))).toBe('filtered');
    await register(schemaText([time, member], { ...graph, time: 'nope' }));
    await mappings.poll();
    expect(rankOf(send(processor, id))).toBe('filtered');
    expect(alarms()).toHaveLength(1);
    const stop = { code: 'MAPPING_INVALID', reaction: 'stop' };
    await expect(processor.load(id, source)).rejects.toMatchObject(stop);
  });

  test('does not notice that the registry is down', async () => {
    const { processor, mappings, register } = await start();
    const id = await register(mapped(1));
    await run(processor, id);
    down = new OutageError('REGISTRY_UNREACHABLE', 'The schema registry is down.');
    said.length = 0;
    await mappings.poll();
    await mappings.poll();
    expect(rankOf(send(processor, id))).toBe(1);
    expect(said.map(({ level }) => level)).toEqual(['debug', 'debug']);
    down = new StopError('REGISTRY_REFUSED', 'The schema registry refused.');
    await mappings.poll();
    await mappings.poll();
    expect(said.filter(({ level }) => level === 'warn')).toHaveLength(1);
    down = null;
    await register(mapped(2));
    await mappings.poll();
    expect(rankOf(send(processor, id))).toBe(2);
  });

  test('goes on with the last good mapping when the newest version is no Avro at all', async () => {
    const { processor, mappings, register } = await start();
    const id = await register(mapped(1));
    await run(processor, id);
    const other = await register(written);
    down = new BadDataError('SCHEMA_NOT_AVRO', 'The schema is of type PROTOBUF.');
    expect(rankOf(await run(processor, other))).toBe(1);
    for (let round = 0; round < 3; round += 1) await mappings.poll();
    expect(said.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  test('asks once a place and round, and leaves a silent registry alone until the next round', async () => {
    const { mappings } = await start();
    for (const name of ['a', 'b', 'c']) await mappings.of(name);
    asked.length = 0;
    await mappings.poll();
    expect(asked).toEqual(['a.graph', 'a', 'b.graph', 'b', 'c.graph', 'c']);
    down = new OutageError('REGISTRY_UNREACHABLE', 'down');
    asked.length = 0;
    for (let round = 0; round < 4; round += 1) await mappings.poll();
    expect(asked).toEqual(['a.graph', 'b.graph', 'c.graph', 'a.graph']);
  });
});

test('a pipeline under way follows its subject past an outage and a bad version, without a pause or a lost record', async () => {
  const { processor, mappings, register } = await start();
  const store = createMemoryStore(systemClock);
  const events = new HandSource();
  const parts = partsWith({ source: events, processor, store, log: silentLog });
  const pipeline = new Pipeline(parts, limits);
  const ending = new AbortController();
  const running = pipeline.run(ending.signal);
  await events.handler.assigned(source);
  const scored = (expression: string): string => {
    const nodes = [{ type: 'Account', id: 'member', properties: { score: { cel: expression } } }];
    return schemaText([time, member, seconds, device], { ...graph, nodes });
  };
  let offset = 0n;
  const scoreAfter = async (id: number, member: string): Promise<unknown> => {
    const value = new EventEncoder(id, written).encode({ ...event, member });
    const record = { offset, timestampMs: -1, key: null, value, headers: null };
    const next = offset + 1n;
    await events.handler.batch({ source, records: [record], from: offset, next, end: next });
    offset = next;
    await turns();
    return (await store.node({ type: 'Account', id: member }))?.properties[0]?.value;
  };
  const id = await register(scored('seconds * 2'));
  expect(await scoreAfter(id, 'm-1')).toBe(120n);
  down = new OutageError('REGISTRY_UNREACHABLE', 'down');
  await mappings.poll();
  expect(await scoreAfter(id, 'm-2')).toBe(120n);
  expect(pipeline.status().state).toEqual({ kind: 'running' });
  down = null;
  await register(scored('minutes * 2'));
  await mappings.poll();
  expect(await scoreAfter(id, 'm-3')).toBe(120n);
  expect(pipeline.status().state).toEqual({ kind: 'running' });
  await register(scored('seconds * 3'), `${subject}.graph`);
  await mappings.poll();
  expect(await scoreAfter(id, 'm-4')).toBe(180n);
  expect(pipeline.status().fatesSinceStart).toMatchObject({ consumed: 4, applied: 4 });
  ending.abort();
  await running;
});

describe('two subjects', () => {
  const games = 'games.launch-value';
  const named = (field: object, value: number): string => {
    const nodes = [{ type: 'Account', id: 'member', properties: { level: 'level' } }];
    return schemaText([time, member, { name: 'level', ...field }], { ...rank(value), nodes });
  };
  const text = { type: 'string', default: '' };
  const whole = { type: 'int', default: 0 };

  test('that contradict each other keep what is in force, until one of them is corrected', async () => {
    const { processor, mappings, register } = await start();
    const id = await register(schemaText([time, member], rank(1)));
    await run(processor, id, schemaText([time, member]));
    await register(named(text, 1), games);
    await mappings.of(games);
    await register(named(whole, 2));
    for (let round = 0; round < 3; round += 1) await mappings.poll();
    expect(rankOf(send(processor, id, schemaText([time, member])))).toBe(1);
    expect(mappings.status()).toMatchObject([
      { subject: games, inForce: { version: 1 }, alarm: null },
      { subject, inForce: { version: 1 }, alarm: { code: 'GRAPH_SCHEMA_CONFLICT', subject, version: 2 } },
    ]);
    expect(alarms()).toHaveLength(1);
    expect(alarms()[0]?.message).toMatch(
      /`Account.level` is .* in streaming.playback-value .* in games.launch-value/,
    );
    // The graph schema changes, and the contradiction stays: it is judged again, and told once.
    await register(schemaText([time, member], rank(9)), 'other-value');
    await mappings.of('other-value');
    await mappings.poll();
    expect(alarms()).toHaveLength(1);
    await register(named(whole, 3), `${games}.graph`);
    await mappings.poll();
    expect(rankOf(send(processor, id, schemaText([time, member])))).toBe(2);
    expect(mappings.status().map(({ alarm }) => alarm)).toEqual([null, null, null]);
    expect(mappings.graphSchema().nodeTypes).toMatchObject([
      {
        name: 'Account',
        idKind: 'text',
        properties: [{ name: 'level', kind: 'integer', declaredBy: [`${games}.graph`, subject] }],
        declaredBy: [`${games}.graph`, 'other-value', subject],
      },
    ]);
  });

  test('whose first mappings contradict each other: the later one stops its topic, naming both', async () => {
    const { mappings, register } = await start();
    await register(named(text, 1), games);
    await register(named(whole, 1));
    await mappings.of(games);
    await expect(mappings.of(subject)).rejects.toMatchObject({
      code: 'GRAPH_SCHEMA_CONFLICT',
      reaction: 'stop',
      message: expect.stringMatching(/in streaming\.playback-value .* in games\.launch-value/),
    });
    expect(mappings.graphSchema().nodeTypes[0]?.declaredBy).toEqual([games]);
  });

  test('give one graph schema that follows what is in force', async () => {
    const { mappings, register } = await start();
    expect(mappings.graphSchema()).toEqual({ nodeTypes: [], edgeTypes: [], domains: [] });
    await register(schemaText([time, member], rank(1)));
    await mappings.of(subject);
    const before = mappings.graphSchema();
    expect(before.nodeTypes.map(({ properties }) => properties.length)).toEqual([0]);
    expect(mappings.graphSchema()).toBe(before);
    await register(named(whole, 2));
    await mappings.poll();
    expect(mappings.graphSchema().nodeTypes[0]?.properties).toMatchObject([
      { name: 'level', kind: 'integer' },
    ]);
  });
});

describe('the watch', () => {
  test('looks at once, then sleeps between three quarters of the interval and all of it, and ends with its signal', async () => {
    const happened: unknown[] = [];
    const ending = new AbortController();
    const registry = BundledRegistry.of([{ subject, text: schemaText([time, member], rank(1)) }]);
    const shares = [0, 0.5, 0.999];
    const sleeper = {
      now: () => at,
      sleep: async (delayMs: number) => {
        // Giving way between subjects.
        if (delayMs === 0) return;
        happened.push(Math.round(delayMs), mappings.status()[0]?.inForce?.version);
        if (shares.length === 0) ending.abort();
        await registry.register(subject, schemaText([time, member], rank(9 - shares.length)));
      },
    };
    const settings = { ...mappingSettingsDefault, pollIntervalMs: 1_000 };
    const random = (): number => shares.shift() ?? 0;
    const mappings = new MappingsInForce({ registry, clock: sleeper, random, log: silentLog }, settings);
    mappings.expect(subject);
    expect(mappings.status()).toEqual([{ subject, inForce: null, alarm: null }]);
    await mappings.watch(ending.signal);
    expect(happened).toEqual([750, 1, 875, 2, 1_000, 3]);
  });

  test('lets an answer that comes late not undo a newer one', async () => {
    const bundled = BundledRegistry.of([{ subject, text: schemaText([time, member], rank(1)) }]);
    const old = await bundled.latest(subject);
    const { mappings, registry } = await start();
    registry.latest = (name) => bundled.latest(name);
    const mapping = await mappings.of(subject);
    await bundled.register(subject, schemaText([time, member], rank(2)));
    const { promise, resolve } = Promise.withResolvers<typeof old>();
    registry.latest = (name) => (name === subject ? promise : bundled.latest(name));
    const late = mappings.poll();
    await turns();
    registry.latest = (name) => bundled.latest(name);
    await mappings.poll();
    resolve(old);
    await late;
    expect(must(mapping.reader, 'a reader').plan.rank).toBe(2);
  });

  test('keeps no more subjects than its limit: one that was pushed out is asked for again', async () => {
    const registry = BundledRegistry.of([{ subject, text: schemaText([time, member], rank(1)) }]);
    const settings = { ...mappingSettingsDefault, subjectsMax: 2 };
    const mappings = new MappingsInForce({ registry, clock, random: () => 0, log: silentLog }, settings);
    const processor = await AvroRecordProcessor.create({ registry, mappings, tables: null, clock });
    const { id } = must(await registry.latest(subject), subject).schema;
    expect(rankOf(await run(processor, id, schemaText([time, member])))).toBe(1);
    await mappings.of('a');
    await mappings.of('b');
    expect(mappings.status().map((one) => one.subject)).toEqual(['a', 'b']);
    expect(send(processor, id, schemaText([time, member])).kind).toBe('needs-schema');
    expect(rankOf(await run(processor, id, schemaText([time, member])))).toBe(1);
  });
});
