import fc from 'fast-check';
import { systemClock } from '../foundation/index.ts';
import { events, pack } from './conformance-graphs.ts';
import { shuffle, split } from './conformance-property.ts';
import { advance, source } from './conformance-subject.ts';
import type { Claim, GraphStore, SourcePartition } from './graph-store.ts';
import { defaultLevelSettings, type LevelSettings } from './leveldb-protocol.ts';
import { createMemoryStore } from './memory-store.ts';
import type { EventMutations, Mutation, NodeRef } from './model.ts';

/** How replays get at the stores that they compare with the reference; each is empty. */
export interface ReplayStores {
  /** `seed` is that of the first replay they are for: by it alone they may differ, so that a failure comes again. */
  open(seed: number): Promise<readonly GraphStore[]>;
  dispose(stores: readonly GraphStore[]): Promise<void>;
}

export interface ReplaySummary {
  readonly replays: number;
  readonly events: number;
  /** Duplicates included, on each store. */
  readonly deliveries: number;
  readonly batches: number;
}

const partitions = 3;
const copiesMax = 3;
const batchEventsMax = 7;
/** Event times of one graph and the next do not meet: those of `events()` are single milliseconds. */
const graphMs = 10;
/** Graphs whose batches come mixed up; a graph's own come in any order. In any order altogether the newest event would soon be there, and no stretch could begin behind it. */
const graphsAtOnce = 15;
/** Of which a few graphs fill one. */
const stretchBytes = 2048;

/**
 * How the LevelDB stores of a campaign differ, by their number: groups of every size, for small ones show what a batch leaves to the next, large ones what it merges
 * with; and a third, of those with small groups, in stretches of event time that a few graphs fill, since a new one begins between groups.
 */
export function replayLevelSettings(number: number): Pick<LevelSettings, 'windowBytesMax' | 'stretchBytes'> {
  const windowBytesMax = [1, 4_096, 2 ** 20][number % 3] ?? 1;
  const isStretched = number % 6 === 0 || number % 6 === 4;
  return { windowBytesMax, stretchBytes: isStretched ? stretchBytes : defaultLevelSettings.stretchBytes };
}

/**
 * Replays of random small graphs, each later than the one before: every event once to three times, shuffled, split into batches of random sizes, over three
 * partitions, nothing waited for. Replays that share a store have nodes of their own, and one digest tells of all of them: it is taken once for each `perStore`.
 *
 * @throws at the first digest that differs: with the seed that runs these replays again.
 */
export async function runReplays(
  seed: number,
  replays: number,
  perStore: number,
  stores: ReplayStores,
  progress: (done: number) => void,
): Promise<ReplaySummary> {
  const sum = { replays: 0, events: 0, deliveries: 0, batches: 0 };
  while (sum.replays < replays) {
    const count = Math.min(perStore, replays - sum.replays);
    const graphs = Array.from({ length: count }, (_, i) => graphOf(seed + sum.replays + i, i));
    const deliveries = delivered(graphs, seed + sum.replays);
    const expected = await digestOf(graphs.map(({ list }) => list));
    const opened = await stores.open(seed + sum.replays);
    try {
      for (const [i, store] of opened.entries()) {
        const found = await digestAfter(store, deliveries);
        if (found === expected) continue;
        const which = `store ${i}, replays ${seed + sum.replays} to ${seed + sum.replays + count - 1}`;
        throw new Error(
          `seed ${seed}: ${which} give the digest ${found} and not ${expected}; run again with --seed ${seed + sum.replays} --runs ${count}`,
        );
      }
    } finally {
      await stores.dispose(opened);
    }
    sum.replays += count;
    sum.batches += deliveries.length;
    sum.deliveries += deliveries.reduce((all, batch) => all + batch.length, 0);
    sum.events += graphs.reduce((all, { list }) => all + list.length, 0);
    progress(sum.replays);
  }
  return sum;
}

interface Graph {
  readonly list: readonly EventMutations[];
  readonly batches: readonly (readonly EventMutations[])[];
}

function graphOf(seed: number, place: number): Graph {
  const sizes = fc.array(fc.integer({ min: 1, max: batchEventsMax }), { minLength: 1, maxLength: 9 });
  const copies = fc.array(fc.integer({ min: 1, max: copiesMax }), { minLength: 1, maxLength: 9 });
  const [drawn] = fc.sample(fc.tuple(events(), sizes, copies), { numRuns: 1, seed });
  if (drawn === undefined) throw new Error('one sample was asked for');
  const [events_, sizesOfBatches, copiesOfEvents] = drawn;
  const list = events_.map((event) => ({
    ...event,
    timeMs: event.timeMs + place * graphMs,
    mutations: event.mutations.map((one) => named(one, place)),
  }));
  const copied = list.flatMap((event, i) => {
    const times = copiesOfEvents[i % copiesOfEvents.length] ?? 1;
    return Array.from({ length: times }, () => event);
  });
  return { list, batches: split(shuffle(copied, seed), sizesOfBatches) };
}

/** All batches, each at a place by chance among those of its graph and of the next few. */
function delivered(graphs: readonly Graph[], seed: number): readonly (readonly EventMutations[])[] {
  const batches = graphs.flatMap(({ batches: own }, place) => own.map((batch) => ({ batch, place })));
  const places = shuffle([...batches.keys()], seed);
  return batches
    .map(({ batch, place }, i) => {
      const chance = (places[i] ?? 0) / batches.length;
      return { batch, at: place + chance * graphsAtOnce };
    })
    .sort((a, b) => a.at - b.at)
    .map(({ batch }) => batch);
}

/** The same mutation of nodes that belong to this replay alone. */
function named(mutation: Mutation, place: number): Mutation {
  const own = (node: NodeRef): NodeRef => ({ ...node, id: `${node.id} ${place}` });
  switch (mutation.kind) {
    case 'node':
    case 'node-delete':
      return { ...mutation, node: own(mutation.node) };
    case 'edge':
    case 'edge-delete':
      return { ...mutation, from: own(mutation.from), to: own(mutation.to) };
    case 'step': {
      const links = mutation.links.map((link) => ({ ...link, node: own(link.node) }));
      return { ...mutation, owner: own(mutation.owner), links };
    }
    default:
      return mutation satisfies never;
  }
}

async function digestOf(lists: readonly (readonly EventMutations[])[]): Promise<string> {
  return await digestAfter(createMemoryStore(systemClock), lists);
}

async function digestAfter(
  store: GraphStore,
  batches: readonly (readonly EventMutations[])[],
): Promise<string> {
  const sources = Array.from(
    { length: partitions },
    (_, partition): SourcePartition => ({ ...source, partition }),
  );
  const claims: Claim[] = [];
  for (const one of sources) claims.push(await store.claim(one));
  const applied = batches.map((batch, i) => {
    const partition = i % partitions;
    const claim = claims[partition] ?? { epoch: 0, next: null };
    const change = { source: { ...source, partition } };
    return store.apply(advance(claim, i, i + 1, change), pack(batch));
  });
  await Promise.all(applied);
  return (await store.digest()).hex;
}
