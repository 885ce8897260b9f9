import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must, systemClock } from '../foundation/index.ts';
import { events, pack, type Reads, readEverything } from './conformance-graphs.ts';
import { assertProperty } from './conformance-property.ts';
import { advance, ann, dark, event, hop, journeyOf, propertyTimeoutOf, type StoreHarness, type Subject, source, step } from './conformance-subject.ts'; // biome-ignore format: one row
import type { Claim, GraphStore } from './graph-store.ts';
import { createMemoryStore } from './memory-store.ts';
import type { EventMutations, Mutation } from './model.ts';

/**
 * The two levels of the port: what is there while a batch is applied, after it failed, and after a stale writer has been at it. The checks
 * are functions of a store, so that a test can hold a store to a level that it does not promise.
 */
export function describeLevels(subject: Subject, harness: StoreHarness): void {
  const { guarantee = 'atomic' } = harness;
  describe(`at the level "${guarantee}"`, () => {
    it('says so', () => expect(subject.store.guarantee).toBe(guarantee));
    it('moves no position before what it covers can be read', () => checkPositionsFollow(subject.store));
    if (guarantee === 'atomic') {
      it('lets reads see whole batches only', () => checkWholeBatches(subject.store));
    }
    it('comes to the same graph and the same counts whoever of two claimants writes when', {
      timeout: propertyTimeoutOf(harness),
    }, async () => {
      const property = fc.asyncProperty(events(), schedule(), async (log, moves) => {
        const store = await harness.open(systemClock);
        try {
          await checkRace(store, log, moves);
        } finally {
          await harness.dispose(store);
        }
      });
      await assertProperty(harness.propertyRuns, property);
    });
    it('comes to the same graph when a stale writer repeats the whole log at the end', async () => {
      const log = fc.sample(events(), { numRuns: 1, seed: 3 }).flat();
      const newer = await subject.store.claim(source);
      await subject.store.apply(advance(newer, 0, log.length), pack(log));
      const late = subject.store.apply(advance(subject.claim, 0, log.length), pack(log));
      await expect(late).rejects.toMatchObject({ code: 'FENCED' });
      await expectAll(subject.store, log, 2);
    });
    const { tearNext } = harness;
    if (tearNext !== undefined) {
      it('loses nothing and counts nothing twice when batches fail in the middle', {
        timeout: propertyTimeoutOf(harness),
      }, async () => {
        const property = fc.asyncProperty(events(), tears(), async (log, torn) => {
          const store = await harness.open(systemClock);
          try {
            await checkTears(store, log, torn, tearNext);
          } finally {
            await harness.dispose(store);
          }
        });
        await assertProperty(harness.propertyRuns, property);
      });
    }
  });
}

const batches = 20;
const rowsPerBatch = 5;

/** Each batch makes as many steps and edges of one member as the other, and no number of them says the same twice. */
function countedBatch(number: number): EventMutations[] {
  return Array.from({ length: rowsPerBatch }, (_, i) => {
    const to = { type: 'Title', id: `t${i}` };
    const edge: Mutation = { kind: 'edge', type: 'WATCHED', from: ann, to, properties: [] };
    const node: Mutation = { kind: 'node', node: dark, properties: [[`p${i}`, number]] };
    return { ...event(number, [edge, step('d', to), node]), occurrence: BigInt(number * rowsPerBatch + i) };
  });
}

/** Reads as often as it can while all batches are under way; the last time when all are applied. */
async function whileApplying(store: GraphStore, look: () => Promise<void>): Promise<void> {
  const claim = await store.claim(source);
  let done = false;
  const applied = Array.from({ length: batches }, (_, i) =>
    store.apply(advance(claim, i, i + 1), pack(countedBatch(i))),
  );
  const settled = Promise.allSettled(applied).then((results) => {
    done = true;
    return results;
  });
  try {
    for (let last = false; !last; ) {
      last = done;
      await look();
      await systemClock.sleep(0);
    }
  } finally {
    await settled;
  }
  await Promise.all(applied);
  expect(await countsOf(store)).toEqual({ edges: batches * rowsPerBatch, steps: batches * rowsPerBatch });
}

async function countsOf(store: GraphStore): Promise<{ readonly edges: number; readonly steps: number }> {
  const all = { limit: 1000, scanMax: 1000 };
  const { occurrences } = await store.adjacency(hop(ann, 'out', all));
  const { steps } = await store.journey(journeyOf(ann, all));
  return { edges: occurrences.length, steps: steps.length };
}

/** @throws where a read shows a part of a batch, or a digest a graph that is not the one at its positions. */
export async function checkWholeBatches(store: GraphStore): Promise<void> {
  const digests = await digestsByPosition();
  await whileApplying(store, async () => {
    const { edges, steps } = await countsOf(store);
    expect(edges % rowsPerBatch, 'edges of a batch that is half there').toBe(0);
    expect(steps % rowsPerBatch, 'steps of a batch that is half there').toBe(0);
    const values = (await store.node(dark))?.properties.map(({ value }) => value) ?? [];
    expect(new Set(values).size, 'properties of different batches').toBeLessThanOrEqual(1);
    const { hex, sources } = await store.digest();
    expect(hex).toBe(digests[Number(sources[0]?.next ?? 0n)]);
  });
}

/** @throws where a position has moved and something of what it covers cannot be read. */
export async function checkPositionsFollow(store: GraphStore): Promise<void> {
  await whileApplying(store, async () => {
    const [status] = await store.sources();
    const next = Number(status?.next ?? 0n);
    const { edges, steps } = await countsOf(store);
    expect(edges).toBeGreaterThanOrEqual(next * rowsPerBatch);
    expect(steps).toBeGreaterThanOrEqual(next * rowsPerBatch);
    if (next === 0) return;
    const properties = (await store.node(dark))?.properties ?? [];
    expect(properties).toHaveLength(rowsPerBatch);
    for (const { timeMs } of properties) expect(timeMs).toBeGreaterThanOrEqual(next - 1);
  });
}

async function digestsByPosition(): Promise<readonly string[]> {
  const store = createMemoryStore(systemClock);
  const claim = await store.claim(source);
  const digests = [(await store.digest()).hex];
  for (let i = 0; i < batches; i += 1) {
    await store.apply(advance(claim, i, i + 1), pack(countedBatch(i)));
    digests.push((await store.digest()).hex);
  }
  return digests;
}

type Move =
  | { readonly kind: 'claim'; readonly by: readonly (0 | 1)[] }
  | { readonly kind: 'apply'; readonly by: 0 | 1; readonly events: number };

function schedule(): fc.Arbitrary<Move[]> {
  const claim = fc.record({
    kind: fc.constant('claim' as const),
    by: fc.constantFrom<(readonly (0 | 1)[])[]>([0], [1], [0, 1], [1, 0]),
  });
  const apply = fc.record({
    kind: fc.constant('apply' as const),
    by: fc.constantFrom(0, 1),
    events: fc.integer({ min: 1, max: 6 }),
  });
  return fc.array(fc.oneof(claim, apply, apply, apply), { minLength: 1, maxLength: 20 });
}

/** What one claimant believes: it goes on from batch to batch without waiting, until it is told that it is not the owner. */
interface Claimant {
  claim: Claim;
  next: number;
}

/** @throws where the end of a race differs from the log, applied once: in the graph, a position or a count. */
export async function checkRace(
  store: GraphStore,
  log: readonly EventMutations[],
  moves: readonly Move[],
): Promise<void> {
  let claims = 0;
  const claim = async (): Promise<Claimant> => {
    claims += 1;
    const one = await store.claim(source);
    return { claim: one, next: Number(one.next ?? 0n) };
  };
  const claimants = [await claim(), await claim()];
  const applied: Promise<unknown>[] = [];
  for (const move of moves) {
    if (move.kind === 'claim') {
      // At once: each gets an epoch of its own, and one of them is stale at once.
      const answers = await Promise.all(move.by.map(async (by) => ({ by, claimant: await claim() })));
      for (const { by, claimant } of answers) claimants[by] = claimant;
      continue;
    }
    const claimant = must(claimants[move.by], 'there are two claimants');
    const end = Math.min(log.length, claimant.next + move.events);
    if (end === claimant.next) continue;
    const part = log.slice(claimant.next, end);
    // Its failure is looked at below; nobody may call it unhandled until then.
    applied.push(
      store.apply(advance(claimant.claim, claimant.next, end), pack(part)).then(
        () => null,
        (error: unknown) => error,
      ),
    );
    claimant.next = end;
  }
  for (const error of await Promise.all(applied)) {
    if (error !== null) expect(error).toMatchObject({ code: 'FENCED' });
  }
  const last = await claim();
  await store.apply(advance(last.claim, last.next, log.length), pack(log.slice(last.next)));
  await expectAll(store, log, claims);
}

interface Torn {
  readonly events: number;
  /** After so many mutations; null for a batch that is let through. */
  readonly after: number | null;
}

function tears(): fc.Arbitrary<Torn[]> {
  const torn = fc.record({
    events: fc.integer({ min: 1, max: 8 }),
    after: fc.option(fc.integer({ min: 0, max: 12 })),
  });
  return fc.array(torn, { minLength: 1, maxLength: 8 });
}

/** @throws where a batch that failed moves a position, lets later ones pass, or leaves another graph once it is replayed. */
export async function checkTears(
  store: GraphStore,
  log: readonly EventMutations[],
  tears: readonly Torn[],
  tearNext: NonNullable<StoreHarness['tearNext']>,
): Promise<void> {
  let claims = 1;
  let claim = await store.claim(source);
  let next = 0;
  for (const { events: count, after } of tears) {
    const end = Math.min(log.length, next + count);
    const part = (): ReturnType<typeof pack> => pack(log.slice(next, end));
    if (after === null) {
      await store.apply(advance(claim, next, end), part());
      next = end;
      continue;
    }
    const before = await store.sources();
    const digest = (await store.digest()).hex;
    tearNext(store, after);
    const failing = store.apply(advance(claim, next, end), part());
    const behind = store.apply(advance(claim, end, end), pack([]));
    await Promise.all([
      expect(failing).rejects.toMatchObject({ reaction: 'outage' }),
      expect(behind).rejects.toMatchObject({ reaction: 'outage' }),
    ]);
    expect(await store.sources(), 'a batch that failed moved its position').toEqual(before);
    if (store.guarantee === 'atomic') expect((await store.digest()).hex).toBe(digest);
    claim = await store.claim(source);
    claims += 1;
    expect(Number(claim.next ?? 0n)).toBe(next);
  }
  await store.apply(advance(claim, next, log.length), pack(log.slice(next)));
  await expectAll(store, log, claims);
}

/** All of the log is there and was counted once. */
async function expectAll(store: GraphStore, log: readonly EventMutations[], epoch: number): Promise<void> {
  const consumed = log.length;
  expect(await store.sources()).toMatchObject([
    { source, epoch, next: BigInt(consumed), fates: { consumed, applied: consumed } },
  ]);
  expect(await readEverything(store)).toEqual(await readsOf(log));
}

async function readsOf(log: readonly EventMutations[]): Promise<Reads> {
  const store = createMemoryStore(systemClock);
  await store.apply(advance(await store.claim(source), 0, 1), pack(log));
  return await readEverything(store);
}
