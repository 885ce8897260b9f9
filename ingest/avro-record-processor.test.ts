import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { BadDataError, type JourneyGraphError, must, OutageError } from '../foundation/index.ts';
import { BundledRegistry, EventEncoder, RegistryCache, type SchemaRegistry } from '../schemas/index.ts';
import { avroRecordProcessorDefaults } from './avro-record-processor.ts';
import { describeOutcome, eventOf, processorOver, recordOf, run, sourceOf } from './avro-record-testing.ts';

const at = 1_700_000_000_123;
let now: number;
const clock = { now: () => now, sleep: async () => undefined };
beforeEach(() => {
  now = at + 1_000;
});

const topic = 'seen';
const base = [
  { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  { name: 'account', type: ['null', 'string'], default: null },
  { name: 'key', type: ['null', 'string'], default: null },
  { name: 'score', type: 'double', default: 0 },
];
const graph = {
  domain: 'test',
  time: 'at',
  eventId: 'key',
  nodes: [{ type: 'Account', id: 'account', properties: { score: 'score' } }],
};
const schemaText = (fields: readonly object[], mapping?: object): string =>
  JSON.stringify({
    type: 'record',
    name: 'Seen',
    namespace: 'test',
    fields,
    ...(mapping === undefined ? {} : { graph: mapping }),
  });

async function fixture(
  text = schemaText(base, graph),
  settings = avroRecordProcessorDefaults,
  subject = `${topic}-value`,
) {
  const registry = BundledRegistry.of([{ subject, text }]);
  const id = must(await registry.latest(subject), subject).schema.id;
  const processor = await processorOver(registry, clock, settings);
  return { registry, processor, encoder: new EventEncoder(id, text), id };
}

describe('a record', () => {
  const good = { at, account: 'a', key: 'k', score: 1 };

  test('without value is filtered', async () => {
    const { processor } = await fixture();
    expect(await run(processor, topic, recordOf(null))).toEqual({ kind: 'filtered' });
  });

  test.each<[string, object, object]>([
    [
      'a null id that is not optional',
      { account: null },
      { stage: 'map', code: 'NODE_ID_MISSING', path: 'account' },
    ],
    ['an empty id', { account: '' }, { stage: 'map', code: 'INVALID_NODE_ID', path: 'account' }],
    ['an id that holds NUL', { account: 'a\0b' }, { stage: 'map', code: 'INVALID_NODE_ID', path: 'account' }],
    [
      'an id of 1,025 bytes',
      { account: `${'é'.repeat(512)}x` },
      { stage: 'map', code: 'INVALID_NODE_ID', path: 'account' },
    ],
    [
      'an id with half a surrogate pair',
      { account: 'a\ud800' },
      { stage: 'decode', code: 'AVRO_MALFORMED', path: 'account' },
    ],
    [
      'a number that is not finite',
      { score: Number.NaN },
      { stage: 'map', code: 'VALUE_INVALID', path: 'score' },
    ],
    ['a time before 1970', { at: -1 }, { stage: 'map', code: 'EVENT_TIME_OUT_OF_RANGE', path: 'at' }],
    [
      'a time beyond the clock',
      { at: at + 301_001 },
      { stage: 'map', code: 'EVENT_TIME_OUT_OF_RANGE', path: 'at' },
    ],
    [
      'a time beyond any calendar',
      { at: 2n ** 63n - 1n },
      { stage: 'map', code: 'EVENT_TIME_OUT_OF_RANGE', path: 'at' },
    ],
  ])('is dead with %s', async (_name, change, expected) => {
    const { processor, encoder } = await fixture();
    const outcome = await run(processor, topic, recordOf(encoder.encode({ ...good, ...change })));
    expect(describeOutcome(outcome)).toEqual(expected);
  });

  test.each(['__proto__', 'constructor', 'é'.repeat(512), '  '])('may have the id %s', async (account) => {
    const { processor, encoder } = await fixture();
    const event = eventOf(await run(processor, topic, recordOf(encoder.encode({ ...good, account }))));
    expect(event.mutations).toEqual([
      { kind: 'node', node: { type: 'Account', id: account }, properties: [['score', 1]] },
    ]);
    expect(Reflect.get({}, 'score')).toBeUndefined();
  });

  test('is the same occurrence by its event id whatever else it says, and by its bytes without one', async () => {
    const { processor, encoder } = await fixture();
    const occurrence = async (change: object): Promise<bigint> =>
      eventOf(await run(processor, topic, recordOf(encoder.encode({ ...good, ...change })))).occurrence;
    expect(await occurrence({ score: 2 })).toBe(await occurrence({}));
    expect(await occurrence({ key: 'other' })).not.toBe(await occurrence({}));
    expect(await occurrence({ key: null })).toBe(await occurrence({ key: null }));
    expect(await occurrence({ key: null, score: 2 })).not.toBe(await occurrence({ key: null }));
  });

  test('framed in its header maps to the same event', async () => {
    const { processor, encoder } = await fixture();
    const framed = encoder.encode({ ...good, key: null });
    const headers = [{ key: '__value_schema_id', value: framed.subarray(0, 5) }];
    const inValue = await run(processor, topic, recordOf(framed));
    expect(await run(processor, topic, recordOf(framed.subarray(5), headers))).toEqual(inValue);
  });

  test('with a GUID is looked up by it, or dead where the registry cannot', async () => {
    const { processor, encoder, registry, id } = await fixture();
    const headers = [{ key: '__value_schema_id', value: Buffer.from(`01${'ab'.repeat(16)}`, 'hex') }];
    const record = recordOf(encoder.encode(good).subarray(5), headers);
    expect(describeOutcome(await run(processor, topic, record))).toMatchObject({
      code: 'SCHEMA_GUID_UNSUPPORTED',
    });
    const asked: string[] = [];
    const withGuids: SchemaRegistry = Object.assign(Object.create(registry), {
      schemaById: registry.schemaById.bind(registry),
      latest: registry.latest.bind(registry),
      versions: registry.versions.bind(registry),
      schemaByGuid: (guid: string) => {
        asked.push(guid);
        return registry.schemaById(id);
      },
    });
    const other = await processorOver(new RegistryCache(withGuids, clock), clock);
    expect((await run(other, topic, record)).kind).toBe('mapped');
    expect(asked).toEqual(['abababab-abab-abab-abab-abababababab']);
  });

  test('never makes the processor throw, whatever its bytes are', async () => {
    const { processor, encoder } = await fixture();
    const framed = encoder.encode(good);
    await run(processor, topic, recordOf(framed));
    const kinds = new Set<string>();
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.nat(framed.length),
        fc.boolean(),
        (noise, keep, prefixed) => {
          const value = prefixed ? Buffer.concat([framed.subarray(0, keep), noise]) : noise;
          kinds.add(processor.process(recordOf(value), sourceOf(topic), 0).kind);
        },
      ),
      { numRuns: 5_000, seed: 7 },
    );
    expect(kinds).toContain('dead');
  });
});

describe('a schema', () => {
  const older = base.slice(0, 3);
  const event = { at, account: 'a', key: 'k', score: 1 };

  test('unknown to the registry kills its records until its time is over', async () => {
    const { processor, registry } = await fixture();
    const text = schemaText([...base, { name: 'more', type: 'int', default: 0 }], graph);
    const id = must(await BundledRegistry.of([{ subject: 's', text }]).latest('s'), 's').schema.id;
    const record = recordOf(new EventEncoder(id, text).encode({ ...event, more: 1 }));
    expect(describeOutcome(await run(processor, topic, record))).toMatchObject({
      stage: 'schema',
      code: 'SCHEMA_NOT_FOUND',
    });
    await registry.register(`${topic}-value`, text);
    expect(processor.process(record, sourceOf(topic), 0).kind).toBe('dead');
    now += avroRecordProcessorDefaults.negativeMs;
    expect((await run(processor, topic, record)).kind).toBe('mapped');
  });

  test('unknown to the registry is asked for again when the clock was set back', async () => {
    const { processor, registry } = await fixture();
    const text = schemaText([...base, { name: 'more', type: 'int', default: 0 }], graph);
    const id = must(await BundledRegistry.of([{ subject: 's', text }]).latest('s'), 's').schema.id;
    const record = recordOf(new EventEncoder(id, text).encode({ ...event, more: 1 }));
    expect((await run(processor, topic, record)).kind).toBe('dead');
    await registry.register(`${topic}-value`, text);
    now -= 60_000;
    expect((await run(processor, topic, record)).kind).toBe('mapped');
  });

  test('without a mapped version is filtered, and is mapped once one is registered', async () => {
    const { processor, encoder, registry } = await fixture(schemaText(base));
    const record = recordOf(encoder.encode(event));
    expect(await run(processor, topic, record)).toEqual({ kind: 'filtered' });
    await registry.register(`${topic}-value`, schemaText(base, graph));
    now += avroRecordProcessorDefaults.negativeMs;
    expect((await run(processor, topic, record)).kind).toBe('mapped');
  });

  test('of an old writer is read by the newest mapped version, past a newer one without mapping', async () => {
    const { processor, encoder, registry } = await fixture(schemaText(older));
    await registry.register(`${topic}-value`, schemaText(base, graph));
    await registry.register(`${topic}-value`, schemaText(base));
    const mapped = eventOf(
      await run(processor, topic, recordOf(encoder.encode({ at, account: 'a', key: 'k' }))),
    );
    expect(mapped.mutations).toMatchObject([{ properties: [['score', 0]] }]);
  });

  test('met for the first time brings in a newer mapping for all writers of its subject', async () => {
    const { processor, encoder, registry } = await fixture();
    const record = recordOf(encoder.encode(event));
    expect(eventOf(await run(processor, topic, record)).rank).toBe(0);
    const text = schemaText([...base, { name: 'more', type: 'int', default: 0 }], { ...graph, rank: 9 });
    const { schema } = await registry.register(`${topic}-value`, text);
    expect(
      eventOf(await run(processor, topic, recordOf(new EventEncoder(schema.id, text).encode(event)))).rank,
    ).toBe(9);
    expect(eventOf(await run(processor, topic, record)).rank).toBe(9);
  });

  test('that the reader cannot resolve kills its records', async () => {
    const { processor, encoder, registry } = await fixture(schemaText(base));
    await registry.register(`${topic}-value`, schemaText([...base, { name: 'needed', type: 'int' }], graph));
    const outcome = await run(processor, topic, recordOf(encoder.encode(event)));
    expect(describeOutcome(outcome)).toEqual({
      stage: 'schema',
      code: 'SCHEMA_INCOMPATIBLE',
      path: 'needed',
    });
  });

  test('with an invalid mapping stops the pipeline', async () => {
    const { processor, id } = await fixture(schemaText(base, { ...graph, time: 'nope', bogus: 1 }));
    await expect(processor.load(id, sourceOf(topic))).rejects.toMatchObject({
      code: 'MAPPING_INVALID',
      reaction: 'stop',
    });
  });

  test('is read by the mapping behind a newest version that is none that is read', async () => {
    const { processor, encoder, registry } = await fixture();
    const strange = new BadDataError('SCHEMA_REFERENCES_UNSUPPORTED', 'It refers to other subjects.');
    registry.latest = () => Promise.reject(strange);
    expect((await run(processor, topic, recordOf(encoder.encode(event)))).kind).toBe('mapped');
  });

  test('whose mapping is not to be had stops the pipeline, and gives none of its records up', async () => {
    const { processor, encoder, registry, id } = await fixture(schemaText(base));
    registry.versions = () => Promise.reject(new BadDataError('SCHEMA_NOT_FOUND', 'It is not known.'));
    const stop = { code: 'SCHEMA_NOT_FOUND', reaction: 'stop', context: { subject: `${topic}-value` } };
    await expect(processor.load(id, sourceOf(topic))).rejects.toMatchObject(stop);
    expect(processor.process(recordOf(encoder.encode(event)), sourceOf(topic), 0).kind).toBe('needs-schema');
  });

  test('that an outage keeps away leaves its records undecided', async () => {
    const { processor, encoder, registry } = await fixture();
    registry.schemaById = () => Promise.reject(new OutageError('REGISTRY_UNREACHABLE', 'down'));
    const record = recordOf(encoder.encode(event));
    const outage: Partial<JourneyGraphError> = { reaction: 'outage' };
    await expect(run(processor, topic, record)).rejects.toMatchObject(outage);
    expect(processor.process(record, sourceOf(topic), 0).kind).toBe('needs-schema');
  });

  test.each(['record', 'topic-record'] as const)(
    'has its subject by the strategy %s',
    async (subjectStrategy) => {
      const subject = subjectStrategy === 'record' ? 'test.Seen' : `${topic}-test.Seen`;
      const settings = { ...avroRecordProcessorDefaults, subjectStrategy };
      const { processor, encoder } = await fixture(schemaText(base, graph), settings, subject);
      expect((await run(processor, topic, recordOf(encoder.encode(event)))).kind).toBe('mapped');
    },
  );
});
