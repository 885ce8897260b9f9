import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { type JourneyGraphError, must, OutageError, silentLog } from '../foundation/index.ts';
import type { EventMutations } from '../graph-store/index.ts';
import {
  BundledRegistry,
  EventEncoder,
  loadCatalog,
  RegistryCache,
  type SchemaRegistry,
} from '../schemas/index.ts';
import {
  AvroRecordProcessor,
  type AvroRecordProcessorSettings,
  avroRecordProcessorDefaults,
} from './avro-record-processor.ts';
import type { SourceHeader, SourceRecord } from './event-source.ts';
import { MappingsInForce } from './mappings-in-force.ts';
import type { Outcome } from './record-processor.ts';

const at = 1_700_000_000_123;
let now: number;
const clock = { now: () => now, sleep: async () => undefined };
beforeEach(() => {
  now = at + 1_000;
});

function processorOver(
  registry: SchemaRegistry,
  settings: AvroRecordProcessorSettings = avroRecordProcessorDefaults,
): Promise<AvroRecordProcessor> {
  const mappings = new MappingsInForce({ registry, clock, random: () => 0.5, log: silentLog });
  return AvroRecordProcessor.create({ registry, mappings, clock }, settings);
}

const sourceOf = (topic: string) => ({ cluster: 'c', topic, topicId: 't', partition: 0 });

function recordOf(value: Uint8Array | null, headers: readonly SourceHeader[] | null = null): SourceRecord {
  return { offset: 0n, timestampMs: -1, key: null, value, headers };
}

/** As the pipeline does: loads what is asked for, then asks again. */
async function run(processor: AvroRecordProcessor, topic: string, record: SourceRecord): Promise<Outcome> {
  const first = processor.process(record, sourceOf(topic));
  if (first.kind !== 'needs-schema') return first;
  await processor.load(first.schemaId, sourceOf(topic));
  return processor.process(record, sourceOf(topic));
}

function eventOf(outcome: Outcome): EventMutations {
  if (outcome.kind !== 'mapped')
    throw new Error(`expected a mapped event, not ${JSON.stringify(describeOutcome(outcome))}`);
  return outcome.event;
}

function describeOutcome(outcome: Outcome): unknown {
  return outcome.kind === 'dead'
    ? { stage: outcome.stage, code: outcome.error.code, path: outcome.error.context.path }
    : outcome.kind;
}

const device = { id: 'd-1', kind: 'TV', model: null };
const title = { id: 't-1', name: 'Évening', kind: 'SERIES' };
const head = { eventId: 'e-1', occurredAt: at, accountId: 'a-1' };
const live = { id: 'l-1', name: 'Final', startsAt: BigInt(at), titleId: 't-1' };
const ad = { id: 'ad-1', campaignId: 'c-1', advertiser: 'Acme' };
const account = { type: 'Account', id: 'a-1' };

/** One event of each bundled type, and the edges and the step it must leave. */
const golden: Record<
  string,
  { event: object; nodes: string[]; edges: string[]; action?: string; links?: string[] }
> = {
  AccountUpdated: {
    event: { ...head, country: 'NL', plan: 'PREMIUM', profiles: 3, memberSince: 2n ** 53n + 1n },
    nodes: ['Account country,memberSince,plan,profiles'],
    edges: [],
    action: 'updated account',
    links: [],
  },
  DeviceSignedIn: {
    event: { ...head, device, appVersion: '1.2', ipCountry: null },
    nodes: ['Device appVersion,kind,model'],
    edges: ['Account USED Device'],
    action: 'signed in',
    links: ['out USED Device'],
  },
  PlaybackStarted: {
    event: { ...head, title, device, positionMs: 5n, resumed: true },
    nodes: ['Title kind,name', 'Device kind,model'],
    edges: ['Account STARTED Title', 'Account USED Device'],
    action: 'started watching',
    links: ['out STARTED Title', 'out USED Device'],
  },
  PlaybackStopped: {
    event: { ...head, title, device, seconds: 60n, completion: 0.25, reason: 'LEFT' },
    nodes: ['Title kind,name'],
    edges: ['Account WATCHED Title', 'Account USED Device'],
    action: 'watched',
    links: ['out WATCHED Title', 'out USED Device'],
  },
  GameLaunched: {
    event: { ...head, game: { id: 'g-1', name: 'Run', franchiseTitleId: 't-1' }, device, cloud: false },
    nodes: ['Game name'],
    edges: ['Account PLAYED Game', 'Game BELONGS_TO Title', 'Account USED Device'],
    action: 'played',
    links: ['out PLAYED Game', 'out USED Device'],
  },
  LiveEventInvited: {
    event: { ...head, liveEvent: live, channel: 'PUSH' },
    nodes: ['LiveEvent name,startsAt'],
    edges: ['Account INVITED_TO LiveEvent', 'LiveEvent BELONGS_TO Title'],
    action: 'was invited',
    links: ['out INVITED_TO LiveEvent'],
  },
  LiveEventJoined: {
    event: { ...head, liveEvent: { ...live, titleId: null }, device, lateBySeconds: 9 },
    nodes: ['LiveEvent name,startsAt'],
    edges: ['Account JOINED LiveEvent', 'Account USED Device'],
    action: 'joined',
    links: ['out JOINED LiveEvent', 'out USED Device'],
  },
  AdShown: {
    event: { ...head, ad, titleId: 't-1', shownMs: 900, completed: false },
    nodes: ['Ad advertiser'],
    edges: ['Account SAW Ad', 'Ad BELONGS_TO Campaign', 'Ad SHOWN_DURING Title'],
    action: 'saw an ad',
    links: ['out SAW Ad'],
  },
  AdClicked: {
    event: { ...head, ad },
    nodes: ['Ad advertiser'],
    edges: ['Account CLICKED Ad', 'Ad BELONGS_TO Campaign'],
    action: 'followed an ad',
    links: ['out CLICKED Ad'],
  },
  Searched: {
    event: {
      ...head,
      text: ' Even ',
      language: 'nl_NL',
      filters: {},
      results: [
        { title, position: 1 },
        { title: { ...title, id: 't-4' }, position: 4 },
      ],
      chosenTitleId: 't-1',
    },
    nodes: ['Title kind,name'],
    edges: ['Account FOUND Title', 'Account WAS_OFFERED Title'],
    action: 'searched',
    links: ['out FOUND Title', 'out WAS_OFFERED Title'],
  },
  TitleRated: {
    event: { ...head, title, rating: { 'com.example.streaming.events.Stars': { stars: 4 } } },
    nodes: ['Title kind,name'],
    edges: ['Account RATED Title'],
    action: 'rated',
    links: ['out RATED Title'],
  },
  GameSessionEnded: {
    event: {
      ...head,
      game: { id: 'g-1', name: 'Run', franchiseTitleId: null },
      seconds: 600n,
      achievements: [{ id: 'x', name: 'X', unlockedAt: 1_700_000_000_000_001n }],
    },
    nodes: ['Game name', 'Achievement name'],
    edges: ['Account PLAYED Game', 'Account UNLOCKED Achievement'],
    action: 'stopped playing',
    links: ['out PLAYED Game', 'out UNLOCKED Achievement'],
  },
  LiveEventReacted: {
    event: { ...head, liveEvent: live, reactions: { cheer: 3 }, stage: null },
    nodes: ['LiveEvent name'],
    edges: ['Account REACTED LiveEvent'],
    action: 'reacted',
    links: ['out REACTED LiveEvent'],
  },
  ProfileChanged: {
    event: {
      ...head,
      change: 'CREATED',
      profile: { id: 'p-1', language: 'nl', maturity: 'KIDS', bornOn: null },
    },
    nodes: ['Profile bornOn,language,maturity'],
    edges: ['Account HAS_PROFILE Profile'],
    action: 'changed a profile',
    links: ['out HAS_PROFILE Profile'],
  },
  InvoicePaid: {
    event: {
      ...head,
      invoiceId: 'i-1',
      amount: Buffer.from([5, 19]),
      currency: 'eur',
      method: { 'com.example.identity.events.Partner': { name: 'Fjordnet' } },
      plan: 'STANDARD',
    },
    nodes: [],
    edges: ['Account BILLED_BY Partner'],
    action: 'paid',
    links: ['out BILLED_BY Partner'],
  },
  Envelope: {
    event: {
      before: null,
      after: {
        id: 't-1',
        name: 'Évening',
        kind: 'series',
        released: 20_000,
        runtime_seconds: null,
        genres: ['Drama'],
      },
      source: {
        connector: 'postgresql',
        name: 'catalog',
        ts_ms: BigInt(at),
        snapshot: null,
        db: 'd',
        schema: 's',
        table: 't',
        lsn: null,
      },
      op: 'u',
      ts_ms: null,
    },
    nodes: ['Title kind,name,released,runtimeSeconds'],
    edges: ['Title HAS_GENRE Genre'],
  },
};

function summary({ mutations }: EventMutations): unknown {
  const nodes: string[] = [];
  const edges: string[] = [];
  let step = {};
  for (const mutation of mutations) {
    if (mutation.kind === 'node')
      nodes.push(`${mutation.node.type} ${mutation.properties.map(([name]) => name).join()}`);
    if (mutation.kind === 'edge') edges.push(`${mutation.from.type} ${mutation.type} ${mutation.to.type}`);
    if (mutation.kind === 'step') {
      const links = mutation.links.map((link) => `${link.direction} ${link.edge} ${link.node.type}`);
      step = { action: mutation.action, links };
    }
  }
  return { nodes, edges, ...step };
}

describe('the bundled catalog', () => {
  test('maps one event of each type to its nodes, edges and step', async () => {
    const catalog = await loadCatalog();
    const registry = BundledRegistry.of(catalog);
    const processor = await processorOver(registry);
    expect(catalog.map((entry) => entry.name).sort()).toEqual(Object.keys(golden).sort());
    for (const { name, subject, topic, text } of catalog) {
      const { event, ...expected } = must(golden[name], `a golden event of ${name}`);
      const id = must(await registry.latest(subject), subject).schema.id;
      const mapped = eventOf(await run(processor, topic, recordOf(new EventEncoder(id, text).encode(event))));
      expect(summary(mapped)).toEqual(expected);
      expect(mapped).toMatchObject({ timeMs: at, rank: 0 });
    }
  });

  test('reads a change of a table: a delete hides the row, and its tombstone says nothing more', async () => {
    const catalog = await loadCatalog();
    const registry = BundledRegistry.of(catalog);
    const processor = await processorOver(registry);
    const { subject, topic, text } = must(
      catalog.find(({ name }) => name === 'Envelope'),
      'the envelope',
    );
    const id = must(await registry.latest(subject), subject).schema.id;
    const { after, ...change } = Object(must(golden.Envelope, 'the envelope').event);
    const deleted = { ...change, before: after, after: null, op: 'd' };
    const record = recordOf(new EventEncoder(id, text).encode(deleted));
    expect(eventOf(await run(processor, topic, record)).mutations).toEqual([
      { kind: 'node-delete', node: { type: 'Title', id: 't-1' } },
    ]);
    expect(await run(processor, topic, recordOf(null))).toEqual({ kind: 'filtered' });
  });

  test('maps values exactly', async () => {
    const catalog = await loadCatalog();
    const registry = BundledRegistry.of(catalog);
    const processor = await processorOver(registry);
    const value = async (name: string): Promise<EventMutations> => {
      const { subject, topic, text } = must(
        catalog.find((entry) => entry.name === name),
        name,
      );
      const id = must(await registry.latest(subject), subject).schema.id;
      return eventOf(
        await run(processor, topic, recordOf(new EventEncoder(id, text).encode(golden[name]?.event))),
      );
    };
    expect((await value('AccountUpdated')).mutations[0]).toEqual({
      kind: 'node',
      node: account,
      properties: [
        ['country', 'NL'],
        ['memberSince', 2n ** 53n + 1n],
        ['plan', 'PREMIUM'],
        ['profiles', 3],
      ],
    });
    expect((await value('LiveEventInvited')).mutations[0]).toMatchObject({
      properties: [
        ['name', 'Final'],
        ['startsAt', at],
      ],
    });
    expect((await value('PlaybackStopped')).mutations.at(-1)).toMatchObject({
      owner: account,
      domain: 'streaming',
      properties: [
        ['completion', 0.25],
        ['reason', 'LEFT'],
        ['seconds', 60n],
        ['title', 'Évening'],
      ],
    });
  });
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
  const processor = await processorOver(registry, settings);
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
    const other = await processorOver(new RegistryCache(withGuids, clock));
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
          kinds.add(processor.process(recordOf(value), sourceOf(topic)).kind);
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
    expect(processor.process(record, sourceOf(topic)).kind).toBe('dead');
    now += avroRecordProcessorDefaults.negativeMs;
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

  test('that an outage keeps away leaves its records undecided', async () => {
    const { processor, encoder, registry } = await fixture();
    registry.schemaById = () => Promise.reject(new OutageError('REGISTRY_UNREACHABLE', 'down'));
    const record = recordOf(encoder.encode(event));
    const outage: Partial<JourneyGraphError> = { reaction: 'outage' };
    await expect(run(processor, topic, record)).rejects.toMatchObject(outage);
    expect(processor.process(record, sourceOf(topic)).kind).toBe('needs-schema');
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
