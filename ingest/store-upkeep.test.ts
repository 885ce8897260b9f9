import { describe, expect, it } from 'vitest';
import { type Clock, OutageError, silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore, type GraphStore } from '../graph-store/index.ts';
import type { GraphSchema } from '../schemas/index.ts';
import { storeOver } from './pipeline-testing.ts';
import { StoreUpkeep } from './store-upkeep.ts';

const by = { declaredBy: ['a-value'] };

function schemaOf(
  nodes: Record<string, number | null>,
  edges: Record<string, number | null> = {},
): GraphSchema {
  return {
    nodeTypes: Object.entries(nodes).map(([name, ttlMs]) => ({
      name,
      ttlMs,
      idKind: 'text',
      properties: [],
      ...by,
    })),
    edgeTypes: Object.entries(edges).map(([name, ttlMs]) => ({
      name,
      ttlMs,
      ends: [],
      keyed: false,
      properties: [],
      ...by,
    })),
    domains: [],
  };
}

/** A store that counts, mappings that say what they are told to, and a clock that is set. */
class Rig {
  readonly memory = createMemoryStore(systemClock);
  readonly sweeps: (Uint8Array | null)[] = [];
  nowMs = 0;
  schema = schemaOf({});
  settled = true;
  answers: (Uint8Array | null)[] = [];
  outage: Error | null = null;
  readonly store: GraphStore = {
    ...storeOver(this.memory, this.memory),
    setTimeToLive: async (rules) => {
      if (this.outage !== null) throw this.outage;
      await this.memory.setTimeToLive(rules);
    },
    sweep: async (after, rowsMax) => {
      this.sweeps.push(after);
      return { scanned: rowsMax, removed: 1, next: this.answers.shift() ?? null };
    },
  };
  readonly clock: Clock = { ...systemClock, now: () => this.nowMs };
  readonly upkeep = new StoreUpkeep(
    {
      store: this.store,
      mappings: { graphSchema: () => this.schema, settled: () => this.settled },
      clock: this.clock,
      log: silentLog,
    },
    { sweepIntervalMs: 60_000, sweepRowsPerSecond: 10 },
  );
}

describe('The upkeep of the store', () => {
  it('puts the times to live of all mappings in force, and takes back what they say no more', async () => {
    const rig = new Rig();
    rig.schema = schemaOf({ Account: null, Ad: 5_000 }, { SAW: 7 });
    await rig.upkeep.turn();
    expect(rig.memory.timeToLive()).toEqual({ nodes: { Ad: 5_000 }, edges: { SAW: 7 } });
    rig.schema = schemaOf({ Account: null, Ad: null }, { SAW: 8 });
    await rig.upkeep.turn();
    expect(rig.memory.timeToLive()).toEqual({ nodes: {}, edges: { SAW: 8 } });
  });
  it('waits until every mapping has been looked at', async () => {
    const rig = new Rig();
    await rig.memory.setTimeToLive({ nodes: { Ad: 5 }, edges: {} });
    rig.schema = schemaOf({ Ad: null });
    rig.settled = false;
    await rig.upkeep.turn();
    expect(rig.memory.timeToLive().nodes).toEqual({ Ad: 5 });
    rig.settled = true;
    await rig.upkeep.turn();
    expect(rig.memory.timeToLive().nodes).toEqual({});
  });
  it('keeps the rules of types that no mapping declares', async () => {
    const rig = new Rig();
    await rig.memory.setTimeToLive({ nodes: { Ad: 5 }, edges: {} });
    rig.schema = schemaOf({ Account: 9 });
    await rig.upkeep.turn();
    expect(rig.memory.timeToLive().nodes).toEqual({ Ad: 5, Account: 9 });
  });
  it('sweeps from where it stopped, and begins again after the interval', async () => {
    const rig = new Rig();
    const place = Buffer.from('g1');
    rig.answers = [place, null];
    await rig.upkeep.turn();
    await rig.upkeep.turn();
    await rig.upkeep.turn();
    expect(rig.sweeps).toEqual([null, place]);
    rig.nowMs = 60_000;
    await rig.upkeep.turn();
    expect(rig.sweeps).toEqual([null, place, null]);
  });
  it('waits an outage out, and passes the rules on after it', async () => {
    const rig = new Rig();
    rig.schema = schemaOf({ Ad: 5 });
    rig.outage = new OutageError('STORE_CLOSED', 'closed');
    const ending = new AbortController();
    let turns = 0;
    const clock: Clock = {
      now: () => 0,
      sleep: async () => {
        turns += 1;
        if (turns === 2) rig.outage = null;
        if (turns === 3) ending.abort();
      },
    };
    const mappings = { graphSchema: () => rig.schema, settled: () => true };
    const settings = { sweepIntervalMs: 1, sweepRowsPerSecond: 1 };
    await new StoreUpkeep({ store: rig.store, mappings, clock, log: silentLog }, settings).run(ending.signal);
    expect(turns).toBe(3);
    expect(rig.memory.timeToLive().nodes).toEqual({ Ad: 5 });
  });
});
