import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { must, systemClock, unreachable } from '../../foundation/index.ts';
import {
  createMemoryStore,
  type EventMutations,
  type GraphStore,
  type LevelSettings,
  type Mutation,
  type NodeRef,
  openLevelStore,
} from '../../graph-store/index.ts';
import { createWriter } from '../api-testing.ts';
import { latestMs } from './naive-walks-testing.ts';

export interface WalkEngine {
  readonly name: string;
  /** Of the embedded store; null of the store in memory. */
  readonly settings: Partial<LevelSettings> | null;
  /** Of the runs on the memory store: writes of a durable one are slower. */
  readonly runsShare: number;
}

const spanOfStretch = 5;
/** Each write is one of LevelDB's, so that stretches begin where they are told to. */
const stretched = { stretchBytes: 1, windowBytesMax: 1 };

/** The embedded ones keep the newest edges of nodes that were asked for, as the product's does; the last one has to forget them all the time. */
export const walkEngines: readonly WalkEngine[] = [
  { name: 'the memory store', settings: null, runsShare: 1 },
  { name: 'LevelDB', settings: {}, runsShare: 1 / 12 },
  { name: 'LevelDB in stretches', settings: { ...stretched, headCacheBytes: 16_384 }, runsShare: 1 / 12 },
];

type Write = (events: readonly EventMutations[]) => Promise<void>;

/** A graph of some events whose nodes no other graph has, so that many graphs share a store that is slow to open. */
export class PlacedGraph {
  readonly store: GraphStore;
  readonly #write: Write;
  readonly #number: number;
  #events: readonly EventMutations[] = [];

  constructor(store: GraphStore, write: Write, number: number) {
    this.store = store;
    this.#write = write;
    this.#number = number;
  }

  /** All that were written, as the store has them. */
  get events(): readonly EventMutations[] {
    return this.#events;
  }

  /** Where a node of the events is. */
  readonly at = ({ type, id }: NodeRef): NodeRef => ({ type, id: `${this.#number}-${id}` });

  async write(events: readonly EventMutations[]): Promise<void> {
    const placed = events.map((event) => ({
      ...event,
      mutations: event.mutations.map((mutation) => moved(mutation, this.at)),
    }));
    this.#events = [...this.#events, ...placed];
    if (placed.length > 0) await this.#write(placed);
  }
}

/** Stores of one engine for the tests of a `describe`, inside which it is made. */
export class WalkStores {
  readonly #engine: WalkEngine;
  #shared: { readonly folder: string; readonly store: GraphStore; readonly write: Write } | null = null;
  #graphs = 0;

  constructor(engine: WalkEngine) {
    this.#engine = engine;
    beforeAll(async () => {
      if (engine.settings === null) return;
      const folder = await mkdtemp(join(tmpdir(), 'walks-'));
      const store = await openLevelStore({ folder, ...engine.settings }, systemClock);
      const write = await createWriter(store);
      if (engine.settings.stretchBytes !== undefined) await beginStretches(write);
      this.#shared = { folder, store, write };
    });
    afterAll(async () => {
      if (this.#shared === null) return;
      await this.#shared.store.close();
      await rm(this.#shared.folder, { recursive: true });
    });
  }

  runs(onMemory: number): number {
    return Math.ceil(onMemory * this.#engine.runsShare);
  }

  async graph(): Promise<PlacedGraph> {
    this.#graphs += 1;
    if (this.#engine.settings === null) {
      const store = createMemoryStore(systemClock);
      return new PlacedGraph(store, await createWriter(store), this.#graphs);
    }
    const { store, write } = must(this.#shared, 'the store was opened before the tests');
    return new PlacedGraph(store, write, this.#graphs);
  }
}

/** Events in the order of time, each in a stretch of its own: what comes later lies in that of its time. */
async function beginStretches(write: Write): Promise<void> {
  const owner = { type: 'Account', id: 'nobody' };
  for (let timeMs = spanOfStretch - 1; timeMs < latestMs; timeMs += spanOfStretch) {
    const step = { kind: 'step', owner, domain: 'd', action: 'was', links: [], properties: [] } as const;
    await write([{ timeMs, rank: 0, occurrence: BigInt(timeMs), mutations: [step] }]);
  }
}

function moved(mutation: Mutation, at: (ref: NodeRef) => NodeRef): Mutation {
  switch (mutation.kind) {
    case 'node':
    case 'node-delete':
      return { ...mutation, node: at(mutation.node) };
    case 'edge':
    case 'edge-delete':
      return { ...mutation, from: at(mutation.from), to: at(mutation.to) };
    case 'step':
      return {
        ...mutation,
        owner: at(mutation.owner),
        links: mutation.links.map((link) => ({ ...link, node: at(link.node) })),
      };
    default:
      return unreachable(mutation);
  }
}

/**
 * The events in two parts with a pause between: what a store remembers of nodes that were asked for is read anew in the first, used in
 * the pause, and has to be given up in the second.
 */
export function inParts(events: readonly EventMutations[]): readonly (readonly EventMutations[])[] {
  const half = Math.floor(events.length / 2);
  return [events.slice(0, half), [], events.slice(half)];
}
