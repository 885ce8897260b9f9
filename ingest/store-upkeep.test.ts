import { describe, expect, it } from 'vitest';
import { type Clock, OutageError, silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore, type GraphStore } from '../graph-store/index.ts';
import { storeOver } from './pipeline-testing.ts';
import { StoreUpkeep } from './store-upkeep.ts';
import type { DeclaredTimesToLive } from './times-to-live.ts';

const declaring = (nodes: Record<string, number>): DeclaredTimesToLive =>
  new Map([['a-value', { nodes, edges: {} }]]);

/** A store that counts, mappings that say what they are told to, and a clock that is set. */
class Rig {
  readonly memory = createMemoryStore(systemClock);
  readonly sweeps: (Uint8Array | null)[] = [];
  nowMs = 0;
  declared: DeclaredTimesToLive = new Map();
  answers: (Uint8Array | 'again' | null)[] = [];
  outage: Error | null = null;
  isSweeper = true;
  readonly store: GraphStore = {
    ...storeOver(this.memory, this.memory),
    setTimeToLive: async (rules) => {
      if (this.outage !== null) throw this.outage;
      await this.memory.setTimeToLive(rules);
    },
    sweep: async (after, rowsMax) => {
      this.sweeps.push(after);
      const next = this.answers.shift() ?? null;
      if (next === 'again') return { scanned: 0, removed: 0, next: after, again: true };
      return { scanned: rowsMax, removed: 1, next };
    },
  };
  readonly clock: Clock = { ...systemClock, now: () => this.nowMs };
  readonly upkeep = this.upkeepOf(this.store);

  upkeepOf(store: GraphStore): StoreUpkeep {
    return new StoreUpkeep(
      {
        store,
        mappings: { timesToLive: () => this.declared },
        clock: this.clock,
        log: silentLog,
        sweeps: () => this.isSweeper,
      },
      { sweepIntervalMs: 60_000, sweepRowsPerSecond: 10 },
    );
  }
}

describe('The upkeep of the store', () => {
  it('makes up its mind again after the store has come back with other rules', async () => {
    const rig = new Rig();
    rig.declared = declaring({ Ad: 5 });
    await rig.upkeep.turn();
    // Such as one that had kept a change although its caller was told that it failed.
    const declaredBy = { nodes: { Ad: ['a-value'], Old: ['a-value'] }, edges: {} };
    await rig.memory.setTimeToLive({ nodes: { Ad: 6, Old: 7 }, edges: {}, declaredBy });
    await rig.upkeep.turn();
    expect(rig.memory.timeToLive().nodes).toEqual({ Ad: 5 });
  });
  it('passes the rules on again when another graph has come into the place of the first while they were set there', async () => {
    const switched = createMemoryStore(systemClock);
    await switched.setTimeToLive({ nodes: { Ad: 1 }, edges: {} });
    const rig = new Rig();
    let current: GraphStore = rig.memory;
    const upkeep = rig.upkeepOf({
      ...rig.store,
      timeToLive: () => current.timeToLive(),
      setTimeToLive: async (rules) => {
        const before = current;
        current = switched;
        await before.setTimeToLive(rules);
      },
    });
    rig.declared = declaring({ Ad: 5 });
    await upkeep.turn();
    expect(rig.memory.timeToLive().nodes).toEqual({ Ad: 5 });
    expect(switched.timeToLive().nodes).toEqual({ Ad: 1 });
    await upkeep.turn();
    expect(switched.timeToLive().nodes).toEqual({ Ad: 5 });
  });
  it('leaves a store alone that has the rules already', async () => {
    const rig = new Rig();
    rig.declared = declaring({ Ad: 5 });
    await rig.upkeep.turn();
    const kept = rig.memory.timeToLive();
    rig.declared = declaring({ Ad: 5 });
    await rig.upkeep.turn();
    expect(rig.memory.timeToLive()).toBe(kept);
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
  it('looks again within a second where times to live changed while it looked, also at the beginning of a round', async () => {
    const rig = new Rig();
    const place = Buffer.from('g1');
    rig.answers = ['again', place, 'again', null];
    for (let turn = 0; turn < 5; turn += 1) await rig.upkeep.turn();
    expect(rig.sweeps).toEqual([null, null, place, place]);
  });
  it('begins again when the clock was ahead at the end of a round and has been set back', async () => {
    const rig = new Rig();
    rig.nowMs = 365 * 86_400_000;
    await rig.upkeep.turn();
    rig.nowMs = 1_000;
    await rig.upkeep.turn();
    await rig.upkeep.turn();
    expect(rig.sweeps).toEqual([null, null]);
    rig.nowMs = 61_000;
    await rig.upkeep.turn();
    expect(rig.sweeps).toHaveLength(3);
  });
  it('leaves removing to another process while that one is to do it, and passes the rules on all the same', async () => {
    const rig = new Rig();
    rig.isSweeper = false;
    rig.declared = declaring({ Ad: 5 });
    await rig.upkeep.turn();
    expect(rig.sweeps).toEqual([]);
    expect(rig.memory.timeToLive().nodes).toEqual({ Ad: 5 });
    rig.isSweeper = true;
    await rig.upkeep.turn();
    expect(rig.sweeps).toEqual([null]);
  });
  it('waits an outage out, and passes the rules on after it', async () => {
    const rig = new Rig();
    rig.declared = declaring({ Ad: 5 });
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
    const mappings = { timesToLive: () => rig.declared };
    const settings = { sweepIntervalMs: 1, sweepRowsPerSecond: 1 };
    await new StoreUpkeep({ store: rig.store, mappings, clock, log: silentLog }, settings).run(ending.signal);
    expect(turns).toBe(3);
    expect(rig.memory.timeToLive().nodes).toEqual({ Ad: 5 });
  });
});
