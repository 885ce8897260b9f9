import fc from 'fast-check';
import { type Clock, systemClock } from '../../foundation/index.ts';
import { createMemoryStore, type EventMutations, type GraphStore } from '../../graph-store/index.ts';
import { createWriter } from '../api-testing.ts';
import { type BudgetLimits, TraversalBudget } from './traversal-budget.ts';
import { type TraversalReader, TraversalSession } from './traversal-session.ts';

const unlimited = Number.MAX_SAFE_INTEGER;
export const noBudget: BudgetLimits = {
  rowsMax: unlimited,
  heldMax: unlimited,
  bytesMax: unlimited,
  spanMs: unlimited,
};

export async function storeOf(events: readonly EventMutations[]): Promise<GraphStore> {
  const store = createMemoryStore(systemClock);
  const write = await createWriter(store);
  await write(events);
  return store;
}

/** Every look at it takes a millisecond. */
export function tickingClock(): Clock {
  let now = 0;
  return { now: () => now++, sleep: async () => undefined };
}

export function sessionOf(store: TraversalReader, limits: Partial<BudgetLimits> = {}): TraversalSession {
  const signal = new AbortController().signal;
  return new TraversalSession(store, new TraversalBudget({ ...noBudget, ...limits }, tickingClock(), signal));
}

/** Sometimes far too little of something, and often enough. */
export const someBudget: fc.Arbitrary<Partial<BudgetLimits>> = fc.oneof(
  fc.constant({}),
  fc.integer({ min: 1, max: 40 }).map((rowsMax) => ({ rowsMax })),
  fc.integer({ min: 1, max: 12 }).map((heldMax) => ({ heldMax })),
  fc.integer({ min: 1, max: 4000 }).map((bytesMax) => ({ bytesMax })),
  fc.integer({ min: 1, max: 8 }).map((spanMs) => ({ spanMs })),
);
