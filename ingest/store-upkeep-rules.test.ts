import { beforeEach, describe, expect, it } from 'vitest';
import { type Log, OutageError, silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore, type GraphStore, type TimeToLive } from '../graph-store/index.ts';
import { BundledRegistry } from '../schemas/index.ts';
import { MappingsInForce, mappingSettingsDefault } from './mappings-in-force.ts';
import { storeOver } from './pipeline-testing.ts';
import { StoreUpkeep } from './store-upkeep.ts';

const day = 86_400_000;
const ads = 'ads-value';
const plays = 'plays-value';

let registry: BundledRegistry;
let store: GraphStore;
let versions: number;
let warnings: string[];
beforeEach(() => {
  registry = BundledRegistry.of([]);
  store = createMemoryStore(systemClock);
  versions = 0;
  warnings = [];
});

/** Registers a version of the subject that declares Ad, and SAW from Account to it, kept so long; null says nothing of how long. */
async function register(subject: string, nodeTtl: string | null, edgeTtl: string | null = null) {
  const ttl = (value: string | null): object => (value === null ? {} : { ttl: value });
  const nodes = [
    { type: 'Account', id: 'member' },
    { type: 'Ad', id: 'ad', ...ttl(nodeTtl) },
  ];
  const edges = [{ type: 'SAW', from: 'Account', to: 'Ad', ...ttl(edgeTtl) }];
  await registerGraph(subject, { nodes, edges });
}

async function registerGraph(subject: string, graph: object): Promise<void> {
  versions += 1;
  const at = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } };
  const fields = [at, { name: 'member', type: 'string' }, { name: 'ad', type: 'string' }];
  const name = subject.replace('-value', '');
  const doc = `Version ${versions}`;
  const text = JSON.stringify({
    type: 'record',
    name,
    doc,
    fields,
    graph: { domain: 'd', time: 'at', ...graph },
  });
  await registry.register(subject, text);
}

interface Process {
  readonly mappings: MappingsInForce;
  /** With the mappings that it has. */
  turn(): Promise<void>;
  /** Looks for newer mappings, then does the upkeep's turn. */
  round(): Promise<void>;
}

/** A process over the registry and the store, with the mappings that it expects. */
function start(expected: readonly string[], subjectsMax = 100, isShared = false): Process {
  const log: Log = { ...silentLog, warn: (_, message) => void warnings.push(message) };
  const parts = { registry, clock: systemClock, random: () => 0, log: silentLog };
  const mappings = new MappingsInForce(parts, { ...mappingSettingsDefault, subjectsMax });
  for (const subject of expected) mappings.expect(subject);
  const settings = { sweepIntervalMs: day, sweepRowsPerSecond: 1 };
  const upkeep = new StoreUpkeep({ store, mappings, clock: systemClock, log, isShared }, settings);
  const turn = (): Promise<void> => upkeep.turn();
  return {
    mappings,
    turn,
    async round() {
      await mappings.poll();
      await turn();
    },
  };
}

function rules(): unknown {
  const { nodes, edges } = store.timeToLive();
  return { ...nodes, ...edges };
}

describe('The rules of time to live follow what is declared', () => {
  it('when a mapping declares one, changes it, and takes it back', async () => {
    await register(ads, null);
    const { round } = start([ads]);
    await round();
    expect(rules()).toEqual({});
    await register(ads, '30d', '7d');
    await round();
    expect(rules()).toEqual({ Ad: 30 * day, SAW: 7 * day });
    await register(ads, '20d', '7d');
    await round();
    expect(rules()).toEqual({ Ad: 20 * day, SAW: 7 * day });
    await register(ads, null, '7d');
    await round();
    expect(rules()).toEqual({ SAW: 7 * day });
    await registerGraph(ads, { nodes: [{ type: 'Account', id: 'member' }] });
    await round();
    expect(rules()).toEqual({});
  });

  it('when it was taken back while no process ran', async () => {
    await register(ads, '30d');
    await start([ads]).round();
    await register(ads, null);
    await start([ads]).round();
    expect(rules()).toEqual({});
  });

  it('when one subject hands a rule over to another', async () => {
    await register(ads, '30d');
    await register(plays, null);
    const first = start([ads, plays]);
    await first.round();
    await register(ads, null);
    await register(plays, '20d');
    await first.round();
    await first.round();
    expect(rules()).toEqual({ Ad: 20 * day });
    // It is the other's now: what became of the first one does not matter.
    await start([plays]).round();
    expect(rules()).toEqual({ Ad: 20 * day });
    await register(plays, null);
    await start([plays]).round();
    expect(rules()).toEqual({});
  });

  it('only when all who declared one have taken it back', async () => {
    await register(ads, '30d');
    await register(plays, '30d');
    const { round } = start([ads, plays]);
    await round();
    await register(ads, null);
    await round();
    expect(rules()).toEqual({ Ad: 30 * day });
    await register(plays, null);
    await round();
    expect(rules()).toEqual({});
  });
});

describe('A rule of time to live outlasts a mapping that is not in force', () => {
  it('because its newest version does not compile', async () => {
    await register(ads, '30d', '7d');
    await register(plays, null);
    await start([ads, plays]).round();
    await registerGraph(ads, { nodes: [{ type: 'Ad', id: 'nope', ttl: '30d' }] });
    const again = start([ads, plays]);
    await again.round();
    expect(again.mappings.status()).toMatchObject([
      { inForce: { version: 1 }, alarm: { version: 2 } },
      { inForce: { version: 1 } },
    ]);
    expect(rules()).toEqual({ Ad: 30 * day, SAW: 7 * day });
    await register(ads, null, '7d');
    await again.round();
    expect(rules()).toEqual({ SAW: 7 * day });
  });

  it('because others have pushed it out', async () => {
    await register(ads, '30d');
    await register(plays, null);
    const { mappings, round } = start([ads, plays], 2);
    await round();
    await mappings.of('third-value');
    await round();
    expect(mappings.status().map(({ subject }) => subject)).toEqual([plays, 'third-value']);
    expect(rules()).toEqual({ Ad: 30 * day });
    await register(ads, null);
    await mappings.of(ads);
    await round();
    expect(rules()).toEqual({});
  });

  it('because nobody expected it and no event of it came yet', async () => {
    await register(ads, '30d');
    await register(plays, null);
    await start([ads, plays]).round();
    await register(ads, null);
    const { mappings, round } = start([]);
    await round();
    await mappings.of(plays);
    await round();
    expect(rules()).toEqual({ Ad: 30 * day });
    await mappings.of(ads);
    await round();
    expect(rules()).toEqual({});
  });

  it('also when another declares otherwise meanwhile, which is told once', async () => {
    await register(ads, '30d');
    await start([ads]).round();
    await register(plays, '1d');
    const { mappings, round } = start([plays]);
    await round();
    await round();
    expect(rules()).toEqual({ Ad: 30 * day });
    expect(warnings).toEqual([
      'plays-value keeps Ad for 86400 s, and ads-value, whose mapping is not in force now, for 2592000 s, which stays: let both say the same, or have ads-value say nothing.',
    ]);
    await register(ads, null);
    await mappings.of(ads);
    await round();
    expect(rules()).toEqual({ Ad: day });
  });

  it('also when another declares the same, until both have taken it back', async () => {
    await register(ads, '30d');
    await start([ads]).round();
    await register(plays, '30d');
    await start([plays]).round();
    await register(plays, null);
    await start([plays]).round();
    expect(rules()).toEqual({ Ad: 30 * day });
    await register(ads, null);
    await start([ads]).round();
    expect(rules()).toEqual({});
  });
});

describe('A rule of time to live that nobody knows the owner of', () => {
  beforeEach(async () => {
    await store.setTimeToLive({ nodes: { Ad: 5 }, edges: { SAW: 7 } });
    await register(ads, null);
  });

  it('stays where nobody declares the type', async () => {
    await start([ads]).round();
    expect(rules()).toEqual({ Ad: 5, SAW: 7 });
  });

  it('belongs to whoever declares the type from then on', async () => {
    await register(ads, '30d');
    await start([ads]).round();
    expect(rules()).toEqual({ Ad: 30 * day, SAW: 7 });
    await register(ads, null);
    await start([ads]).round();
    expect(rules()).toEqual({ SAW: 7 });
  });
});

describe('Processes that share a store', () => {
  const share = (subject: string): Process => start([subject], 100, true);
  const declared: TimeToLive[] = [];
  beforeEach(async () => {
    declared.length = 0;
    const memory = createMemoryStore(systemClock);
    const setTimeToLive: GraphStore['setTimeToLive'] = async (next) => {
      await memory.setTimeToLive(next);
      declared.push(memory.timeToLive());
    };
    store = { ...storeOver(memory, memory), setTimeToLive };
    await register(ads, '30d');
  });

  it('leave a time to live to the one that has met the newer mapping', async () => {
    const [older, newer] = [share(ads), share(ads)];
    await older.round();
    await register(ads, '90d');
    await newer.round();
    for (let turn = 0; turn < 3; turn += 1) {
      await older.turn();
      await newer.turn();
    }
    expect(declared.map(({ nodes }) => nodes)).toEqual([{ Ad: 30 * day }, { Ad: 90 * day }]);
    await older.round();
    expect(rules()).toEqual({ Ad: 90 * day });
  });

  it('change what the store has, not what they knew of it', async () => {
    const known = store.timeToLive();
    await share(ads).round();
    await registerGraph(plays, { nodes: [{ type: 'Title', id: 'ad', ttl: '7d' }] });
    const current = store;
    store = { ...current, timeToLive: () => known };
    const late = share(plays);
    store = current;
    await late.round();
    expect(rules()).toEqual({ Ad: 30 * day, Title: 7 * day });
  });

  it('set what they declare also where they believe that it is set', async () => {
    await share(ads).round();
    const known = store.timeToLive();
    await store.setTimeToLive({ nodes: {}, edges: {} });
    const current = store;
    store = { ...current, timeToLive: () => known };
    const late = share(ads);
    store = current;
    await late.round();
    expect(rules()).toEqual({ Ad: 30 * day });
  });

  it('set a time to live again that may not have been kept', async () => {
    const process = share(ads);
    const kept = store.setTimeToLive;
    Object.assign(store, { setTimeToLive: () => Promise.reject(new OutageError('STORE_CLOSED', 'closed')) });
    await expect(process.round()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    Object.assign(store, { setTimeToLive: kept });
    await process.turn();
    expect(rules()).toEqual({ Ad: 30 * day });
  });
});
