import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BadDataError, must } from '../foundation/index.ts';
import {
  countMutations,
  createMutationBatch,
  type EventMutations,
  PackedEvent,
} from '../graph-store/index.ts';
import { AvroSchema, BundledRegistry, EventEncoder, fixtureEvents, loadCatalog } from '../schemas/index.ts';
import type { AvroRecordProcessor } from './avro-record-processor.ts';
import { describeOutcome, processorOver, recordOf, run, sourceOf } from './avro-record-testing.ts';
import type { Outcome, PackedOutcome } from './record-processor.ts';

const at = 1_700_000_000_123;
const clock = { now: () => at + 1_000, sleep: async () => undefined };
const topic = 'watched';

const text = (name: string) => ({ name, type: 'string' });
const maybe = (name: string, type: unknown) => ({ name, type: ['null', type], default: null });
const person = { type: 'record', name: 'Person', fields: [text('id'), maybe('nick', 'string')] };
const fields = [
  { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  { name: 'key', type: ['null', { type: 'string', logicalType: 'uuid' }] },
  { name: 'by', type: person },
  { name: 'to', type: 'Person' },
  { name: 'title', type: ['string', 'null'] },
  { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['FILM', 'SERIES'] } },
  maybe('mood', { type: 'enum', name: 'Mood', symbols: ['GOOD', 'BAD'] }),
  { name: 'seconds', type: 'long' },
  { name: 'screen', type: 'int' },
  maybe('share', 'double'),
  { name: 'live', type: 'boolean' },
  { name: 'seen', type: { type: 'long', logicalType: 'timestamp-micros' } },
  { name: 'tags', type: { type: 'array', items: 'string' } },
];
const graph = {
  domain: 'test',
  time: 'at',
  eventId: 'key',
  rank: 3,
  nodes: [
    { as: 'by', type: 'Person', id: 'by.id', properties: { nick: 'by.nick', live: 'live' } },
    { as: 'to', type: 'Person', id: 'to.id' },
    { type: 'Title', id: 'title', optional: true, properties: { kind: 'kind', about: 'mood' } },
    { as: 'alone', type: 'Kind', id: 'title', optional: true },
  ],
  edges: [
    { type: 'TOLD', from: 'by', to: 'to', properties: { share: 'share', seconds: 'seconds' } },
    { type: 'HEARD', from: 'to', to: 'by' },
    { type: 'SAW', from: 'Title', to: 'by', properties: { screen: 'screen' } },
  ],
  journey: { owner: 'by', action: 'schaute', properties: { title: 'title', seen: 'seen' } },
};
const schemaText = (mapping: object = graph, more: readonly object[] = []) =>
  JSON.stringify({
    type: 'record',
    name: 'Watched',
    namespace: 'test',
    fields: [...fields, ...more],
    graph: mapping,
  });

const ordinary = {
  at,
  key: 'e-1',
  by: { id: 'p-1', nick: 'Ann' },
  to: { id: 'p-2', nick: null },
  title: 'Évening',
  kind: 'SERIES',
  mood: null,
  seconds: -70_000_000_000n,
  screen: -3,
  share: 0.25,
  live: true,
  seen: BigInt(at) * 1_000n + 7n,
  tags: ['a', 'b'],
};

async function fixture(mapping: object = graph, writer: string = schemaText(mapping)) {
  const registry = BundledRegistry.of([{ subject: `${topic}-value`, text: schemaText(mapping) }]);
  const id = must(await registry.latest(`${topic}-value`), 'it is bundled').schema.id;
  const processor = await processorOver(registry, clock);
  const encoder = new EventEncoder(id, writer);
  await run(processor, topic, recordOf(new EventEncoder(id, schemaText(mapping)).encode(ordinary)));
  return { processor, encoder };
}

/** Behind another event, so that what names a node by its place is not as it was written. */
function packedBytes(event: EventMutations | PackedEvent): string {
  const batch = createMutationBatch();
  const node = { type: 'Other', id: 'first' };
  batch.add({ timeMs: 1, rank: 0, occurrence: 1n, mutations: [{ kind: 'node', node, properties: [] }] });
  batch.add(event);
  return batch.packed.toString('hex');
}

function described(outcome: Outcome | PackedOutcome): unknown {
  if (outcome.kind !== 'mapped') return describeOutcome(outcome);
  try {
    return packedBytes(outcome.event);
  } catch (error) {
    if (error instanceof BadDataError) return error.code;
    throw error;
  }
}

function bothWays(processor: AvroRecordProcessor, value: Buffer, of = topic) {
  const record = { ...recordOf(value), offset: 7n };
  const general = described(processor.process(record, sourceOf(of), 0));
  const packed = processor.pack(record, sourceOf(of), 0);
  return {
    general,
    packed: described(packed),
    isPacked: packed.kind === 'mapped' && packed.event instanceof PackedEvent,
  };
}

const id = fc.oneof(fc.constantFrom('p-1', 'p-2', ''), fc.string({ unit: 'grapheme', maxLength: 80 }));
const double = fc.oneof(fc.double(), fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY));
const micros = fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(0n, 2n ** 52n));
const events = fc.record({
  at: fc.oneof(fc.integer({ min: 0, max: at }), fc.constantFrom(-1, at + 400_000, 9e15)),
  key: fc.option(id),
  by: fc.record({ id, nick: fc.option(fc.string({ unit: 'binary', maxLength: 300 })) }),
  to: fc.record({ id, nick: fc.constant(null) }),
  title: fc.option(id),
  kind: fc.constantFrom('FILM', 'SERIES'),
  mood: fc.option(fc.constantFrom('GOOD', 'BAD')),
  seconds: fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(-1000n, 1000n)),
  screen: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  share: fc.option(double),
  live: fc.boolean(),
  seen: micros,
  tags: fc.array(fc.string()),
});

describe('an event of a mapping that only says which field goes where', () => {
  test('is packed without mutations in between, and to the same bytes', async () => {
    const { processor, encoder } = await fixture();
    const { general, packed, isPacked } = bothWays(processor, encoder.encode(ordinary));
    expect(isPacked).toBe(true);
    expect(packed).toBe(general);
  });

  test('is counted as its mutations are', async () => {
    const { processor, encoder } = await fixture();
    const record = { ...recordOf(encoder.encode(ordinary)), offset: 7n };
    const [general, packed] = [
      processor.process(record, sourceOf(topic), 0),
      processor.pack(record, sourceOf(topic), 0),
    ];
    expect(packed.kind === 'mapped' && packed.event instanceof PackedEvent).toBe(true);
    const counts = [general, packed].map((one) => (one.kind === 'mapped' ? countMutations(one.event) : null));
    expect(counts[0]).toMatchObject({ edges: 3, steps: 1 });
    expect(counts[1]).toEqual(counts[0]);
  });

  test('comes to the same both ways, whatever it holds', async () => {
    const { processor, encoder } = await fixture();
    fc.assert(
      fc.property(events, (event) => {
        const { general, packed } = bothWays(processor, encoder.encode(event));
        expect(packed).toEqual(general);
      }),
      { numRuns: 1_000 },
    );
  });

  test('and its bytes changed anywhere, cut short anywhere, or one too many come to the same both ways', async () => {
    const { processor, encoder } = await fixture();
    const value = encoder.encode(ordinary);
    const seen = new Set<unknown>();
    const others = Array.from({ length: value.length }, (_, length) => value.subarray(0, length));
    for (const other of [...others, Buffer.concat([value, Buffer.of(0)])]) {
      const { general, packed, isPacked } = bothWays(processor, other);
      expect(isPacked).toBe(false);
      expect(general).not.toEqual(expect.any(String));
      expect(packed).toEqual(general);
    }
    for (let i = 0; i < value.length; i += 1) {
      for (const byte of [0, 1, 2, 0x7f, 0x80, 0xff]) {
        const changed = Buffer.from(value);
        changed[i] = byte;
        const { general, packed } = bothWays(processor, changed);
        expect(packed).toEqual(general);
        seen.add(JSON.stringify(general));
      }
    }
    expect(seen.size).toBeGreaterThan(100);
  });

  test.each<[string, object]>([
    ['two ids are one node', { to: { id: 'p-1', nick: null } }],
    ['an id has 1,024 bytes', { title: 'x'.repeat(1_024) }],
    ['a text has many bytes', { by: { id: 'p-1', nick: 'é'.repeat(20_000) } }],
    ['nothing is above nought', { seconds: 0n, screen: 0, share: -0, seen: 0n }],
  ])('is packed where %s', async (_what, change) => {
    const { processor, encoder } = await fixture();
    const { general, packed, isPacked } = bothWays(processor, encoder.encode({ ...ordinary, ...change }));
    expect(isPacked).toBe(true);
    expect(packed).toBe(general);
  });

  test.each<[string, object]>([
    ['an id is empty', { to: { id: '', nick: null } }],
    ['an id holds NUL', { to: { id: 'p\0', nick: null } }],
    ['an id has 1,025 bytes', { title: 'x'.repeat(1_025) }],
    ['an optional node is not there', { title: null }],
    ['its own id is null', { key: null }],
    ['a text is too long', { by: { id: 'p-1', nick: 'x'.repeat(65_537) } }],
    ['a number is none', { share: Number.NaN }],
    ['a number is beyond 2^53', { seconds: 2n ** 60n }],
    ['it lies in the future', { at: at + 400_000 }],
    ['it lies before 1970', { at: -1 }],
  ])('goes the general way where %s', async (_what, change) => {
    const { processor, encoder } = await fixture();
    const { general, packed, isPacked } = bothWays(processor, encoder.encode({ ...ordinary, ...change }));
    expect(isPacked).toBe(false);
    expect(packed).toEqual(general);
  });

  test("is packed where events of another schema, which is not the mapping's, come in between", async () => {
    const subject = `${topic}-value`;
    const older = schemaText(graph, [{ name: 'gone', type: 'int' }]);
    const registry = BundledRegistry.of([older, schemaText()].map((one) => ({ subject, text: one })));
    const processor = await processorOver(registry, clock);
    const values = (await registry.versions(subject)).map(({ schema }) =>
      new EventEncoder(schema.id, schema.text).encode({ ...ordinary, gone: 1 }),
    );
    for (const value of values) await run(processor, topic, recordOf(value));
    const records = [...values, ...values, ...values].map((value) => recordOf(value));
    // One behind the other: the general way in between would tell the processor which schema comes.
    const packed = records.map((record) => {
      const outcome = processor.pack(record, sourceOf(topic), 0);
      const isPacked = outcome.kind === 'mapped' && outcome.event instanceof PackedEvent;
      return { isPacked, bytes: described(outcome) };
    });
    expect(packed.map(({ isPacked }) => isPacked)).toEqual([false, true, false, true, false, true]);
    const general = records.map((record) => described(processor.process(record, sourceOf(topic), 0)));
    expect(general).toEqual(records.map(() => expect.stringMatching(/^[0-9a-f]+$/)));
    expect(packed.map(({ bytes }) => bytes)).toEqual(general);
  });

  test('is packed beside headers, but for the one that names its schema', async () => {
    const { processor, encoder } = await fixture();
    const value = encoder.encode(ordinary);
    const traced = recordOf(value, [{ key: 'traceparent', value: Buffer.from('00-1') }]);
    expect(processor.pack(traced, sourceOf(topic), at)).toMatchObject({ event: expect.any(PackedEvent) });
    const named = recordOf(value.subarray(5), [{ key: '__value_schema_id', value: value.subarray(0, 5) }]);
    const outcome = processor.pack(named, sourceOf(topic), at);
    expect(outcome).toMatchObject({ kind: 'mapped', event: { mutations: expect.any(Array) } });
    expect(described(outcome)).toBe(described(processor.process(named, sourceOf(topic), at)));
  });

  test('without an id of its own is told by all of its bytes', async () => {
    const { eventId: _, ...rest } = graph;
    const { processor, encoder } = await fixture(rest);
    const { general, packed, isPacked } = bothWays(processor, encoder.encode(ordinary));
    expect(isPacked).toBe(true);
    expect(packed).toBe(general);
  });
});

describe('an event goes the general way', () => {
  const [by, to, title] = graph.nodes;
  test.each<[string, object]>([
    ['there is a condition', { ...graph, where: 'live' }],
    ['a node has a condition', { ...graph, nodes: [{ ...by, where: 'live' }, to, title], edges: [] }],
    [
      'a node is deleted',
      { ...graph, nodes: [by, to, { type: 'Title', id: 'title', op: 'delete' }], edges: [] },
    ],
    [
      'a value goes through a function',
      {
        ...graph,
        eventId: 'by.id',
        nodes: [{ ...by, id: { path: 'by.id', apply: ['lowerCase'] } }],
        edges: [],
      },
    ],
    [
      'there is a loop',
      { ...graph, forEach: [{ in: 'tags', as: 'tag', nodes: [{ type: 'Tag', id: 'tag' }] }] },
    ],
    ['edges have keys', { ...graph, edges: [{ type: 'TOLD', from: 'by', to: 'to', key: 'kind' }] }],
    ['the rank is a field', { ...graph, rank: 'screen' }],
  ])('where %s', async (_what, mapping) => {
    const { processor, encoder } = await fixture(mapping);
    const { general, packed, isPacked } = bothWays(processor, encoder.encode(ordinary));
    expect(general).toEqual(expect.stringMatching(/^[0-9a-f]+$/));
    expect(isPacked).toBe(false);
    expect(packed).toBe(general);
  });
});

test('events of the bundled catalog come to the same both ways, and those of plain topics are packed', async () => {
  const catalog = await loadCatalog();
  const registry = BundledRegistry.of(catalog);
  const processor = await processorOver(registry, { ...clock, now: () => Date.UTC(2100, 0, 1) });
  const packedTopics = new Set<string>();
  const topics = new Set<string>();
  // Tables are no matter of ours: what looks something up is never packed.
  for (const { subject, text: schema } of catalog.filter((one) => !one.text.includes('"lookups"'))) {
    const of = subject.replace(/-value$/, '');
    const schemaId = must(await registry.latest(subject), subject).schema.id;
    const encoder = new EventEncoder(schemaId, schema);
    for (const event of fixtureEvents(new AvroSchema(schema), { seed: 7, hints: new Map() }).events) {
      const value = encoder.encode(event);
      if ((await run(processor, of, recordOf(value))).kind !== 'mapped') continue;
      topics.add(of);
      const { general, packed, isPacked } = bothWays(processor, value, of);
      expect(packed).toEqual(general);
      if (isPacked) packedTopics.add(of);
    }
  }
  expect([...topics].filter((one) => !packedTopics.has(one)).toSorted()).toEqual([
    'games.session',
    'identity.invoice',
    'identity.profile',
    'live.reaction',
    'streaming.rating',
    'streaming.search',
    'titles.changes',
  ]);
  expect(packedTopics).toContain('streaming.playback-stopped');
});
