import { describe, expect, test } from 'vitest';
import { must, silentLog } from '../foundation/index.ts';
import type { EventMutations } from '../graph-store/index.ts';
import { BundledRegistry, EventEncoder, loadCatalog } from '../schemas/index.ts';
import { avroRecordProcessorDefaults } from './avro-record-processor.ts';
import { eventOf, processorOver, recordOf, run } from './avro-record-testing.ts';
import { LookupTables } from './lookup-tables.ts';
import { HandTableSource } from './lookup-testing.ts';

const at = 1_700_000_000_123;
const clock = { now: () => at + 1_000, sleep: async () => undefined };

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
    nodes: ['LiveShow name,startsAt'],
    edges: ['Account INVITED_TO LiveShow', 'LiveShow BELONGS_TO Title'],
    action: 'was invited',
    links: ['out INVITED_TO LiveShow'],
  },
  LiveEventJoined: {
    event: { ...head, liveEvent: { ...live, titleId: null }, device, lateBySeconds: 9 },
    nodes: ['LiveShow name,startsAt'],
    edges: ['Account JOINED LiveShow', 'Account USED Device'],
    action: 'joined',
    links: ['out JOINED LiveShow', 'out USED Device'],
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
    nodes: ['LiveShow name'],
    edges: ['Account REACTED LiveShow'],
    action: 'reacted',
    links: ['out REACTED LiveShow'],
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
    const source = (topic: string) => new HandTableSource(topic);
    const tables = new LookupTables({ source, registry, clock, log: silentLog });
    const processor = await processorOver(registry, clock, avroRecordProcessorDefaults, tables);
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
    const processor = await processorOver(registry, clock);
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
    const processor = await processorOver(registry, clock);
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
