import fc from 'fast-check';
import { systemClock } from '../../foundation/index.ts';
import {
  createMemoryStore,
  type EventMutations,
  type GraphStore,
  type JourneyQuery,
  type StepLink,
  type StepMutation,
} from '../../graph-store/index.ts';
import { createWriter } from '../api-testing.ts';

export const owner = { type: 'Account', id: 'a' };

function link(edge: string, type: string, id: string): StepLink {
  return { edge, direction: 'out', node: { type, id } };
}

const links: fc.Arbitrary<readonly StepLink[]> = fc.array(
  fc.constantFrom(
    link('USED', 'Device', 'tv'),
    link('USED', 'Device', 'phone'),
    link('CAST_TO', 'Device', 'tv'),
    link('WATCHED', 'Title', 't'),
  ),
  { maxLength: 3 },
);

/** Times that crowd, so that ties, repeats and pauses of every length come up. */
export function stepEvents(maxLength = 20): fc.Arbitrary<readonly EventMutations[]> {
  const step = fc.record({
    timeMs: fc.integer({ min: 0, max: 40 }),
    domain: fc.constantFrom('games', 'streaming'),
    action: fc.constantFrom('played', 'watched'),
    links,
  });
  return fc.array(step, { maxLength }).map((steps) =>
    steps.map(({ timeMs, ...rest }, index) => {
      const mutation: StepMutation = { kind: 'step', owner, ...rest, properties: [['n', index]] };
      return { timeMs, rank: 0, occurrence: BigInt(index + 1), mutations: [mutation] };
    }),
  );
}

export async function storeOf(events: readonly EventMutations[]): Promise<GraphStore> {
  const store = createMemoryStore(systemClock);
  await (await createWriter(store))(events);
  return store;
}

export function queryOf(changes: Partial<JourneyQuery> = {}): JourneyQuery {
  return {
    of: owner,
    sinceMs: 0,
    untilMs: Number.MAX_SAFE_INTEGER,
    domains: null,
    order: 'oldest-first',
    after: null,
    limit: 1000,
    scanMax: 10_000,
    bytesMax: 2 ** 20,
    ...changes,
  };
}
