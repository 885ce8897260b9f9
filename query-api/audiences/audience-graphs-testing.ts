import fc from 'fast-check';
import type { EventMutations, Mutation, NodeRef, PropertyValue } from '../../graph-store/index.ts';
import { holds, type Predicate } from '../where/predicate.ts';
import type { Condition, Did, Targets } from './condition.ts';

/** A small world of members, titles, games and franchises, and an oracle that knows the list of events alone. */
export const memberIds = ['a', 'b', 'c', 'd', 'é', '__proto__'];
const titles = ['t1', 't2', 't3'];
const games = ['g1', 't1'];
const franchises = ['x', 'y'];
const timesMax = 8;

const ref = (type: string, id: string): NodeRef => ({ type, id });
const titleOrGame = fc.oneof(
  fc.constantFrom(...titles).map((id) => ref('Title', id)),
  fc.constantFrom(...games).map((id) => ref('Game', id)),
);

/** Every member and title is described; what they did is chance. */
export function worlds(): fc.Arbitrary<EventMutations[]> {
  const country = fc.constantFrom<PropertyValue>('DE', 'FR', null);
  const described = fc
    .tuple(...memberIds.map(() => country), ...titles.map(() => fc.constantFrom(...franchises)))
    .map((values) => [
      ...memberIds.map(
        (id, i): Mutation => ({
          kind: 'node',
          node: ref('Account', id),
          properties: [['country', values[i] ?? null]],
        }),
      ),
      ...titles.map(
        (id, i): Mutation => ({
          kind: 'node',
          node: ref('Title', id),
          properties: [['franchise', values[memberIds.length + i] ?? null]],
        }),
      ),
      ...titles.map(
        (id, i): Mutation => ({
          kind: 'edge',
          type: 'PART_OF',
          from: ref('Title', id),
          to: ref('Franchise', String(values[memberIds.length + i])),
          properties: [],
        }),
      ),
    ]);
  const did = fc
    .tuple(
      fc.constantFrom('WATCHED', 'PLAYED'),
      fc.constantFrom(...memberIds),
      titleOrGame,
      fc.integer({ min: 0, max: 3 }),
      fc.boolean(),
    )
    .map(([type, id, to, seconds, back]): Mutation => {
      const [from, end] = back ? [to, ref('Account', id)] : [ref('Account', id), to];
      return { kind: 'edge', type, from, to: end, properties: [['seconds', seconds]] };
    });
  const acts = fc.array(fc.tuple(fc.integer({ min: 1, max: timesMax }), did), { maxLength: 25 });
  return fc
    .tuple(described, acts)
    .map(([mutations, list]) => [
      { timeMs: 1, rank: 0, occurrence: 0n, mutations },
      ...list.map(([timeMs, one], i) => ({ timeMs, rank: 0, occurrence: BigInt(i + 1), mutations: [one] })),
    ]);
}

export function conditions(): fc.Arbitrary<Condition> {
  const byCountry: fc.Arbitrary<Predicate> = fc.constantFrom(
    { kind: 'property', name: 'country', comparison: { operator: 'eq', value: 'DE' } },
    { kind: 'property', name: 'country', comparison: { operator: 'in', values: ['DE', 'FR'] } },
    { kind: 'property', name: 'country', comparison: { operator: 'exists', value: false } },
  );
  const franchise = fc.constantFrom(...franchises);
  const targets: fc.Arbitrary<Targets> = fc.oneof(
    fc
      .uniqueArray(titleOrGame, { minLength: 1, maxLength: 3, selector: ({ type, id }) => `${type} ${id}` })
      .map((nodes) => ({ kind: 'nodes' as const, nodes })),
    franchise.map((value) => ({
      kind: 'where' as const,
      type: 'Title',
      where: { kind: 'property' as const, name: 'franchise', comparison: { operator: 'eq' as const, value } },
    })),
    franchise.map((id) => ({
      kind: 'reached' as const,
      from: [ref('Franchise', id)],
      edge: 'PART_OF',
      direction: 'in' as const,
      type: 'Title',
    })),
    fc.constantFrom('Title', 'Game').map((type) => ({ kind: 'any' as const, type })),
  );
  const did: fc.Arbitrary<Condition> = fc.record({
    kind: fc.constant('did' as const),
    edge: fc.constantFrom('WATCHED', 'PLAYED'),
    direction: fc.constantFrom('out' as const, 'in' as const),
    sinceMs: fc.integer({ min: 0, max: 5 }),
    untilMs: fc.constantFrom(5, 7, Number.MAX_SAFE_INTEGER),
    to: targets,
    where: fc.constantFrom<Predicate | null>(null, {
      kind: 'property',
      name: 'seconds',
      comparison: { operator: 'gte', value: 2 },
    }),
    atLeast: fc.integer({ min: 1, max: 3 }),
  });
  const leaf = fc.oneof(
    { weight: 3, arbitrary: did },
    { weight: 1, arbitrary: byCountry.map((where): Condition => ({ kind: 'member', where })) },
  );
  return fc.letrec<{ condition: Condition }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 3, depthSize: 'large' },
      leaf,
      fc.record({
        kind: fc.constantFrom('all' as const, 'any' as const),
        of: fc.array(tie('condition'), { minLength: 0, maxLength: 3 }),
      }),
      tie('condition').map((of) => ({ kind: 'not' as const, of })),
      // Seldom met by chance: branches that can be enumerated, of which one leaves something to check.
      fc.tuple(did, leaf, did).map(([one, rest, other]) => ({
        kind: 'any' as const,
        of: [{ kind: 'all' as const, of: [one, rest] }, other],
      })),
    ),
  })).condition;
}

/** Members by the events alone: nothing is planned, enumerated or kept. */
export function membersByOracle(events: readonly EventMutations[], condition: Condition): readonly string[] {
  return memberIds.filter((id) => fits(events, condition, id)).sort();
}

function fits(events: readonly EventMutations[], condition: Condition, id: string): boolean {
  switch (condition.kind) {
    case 'all':
      return condition.of.every((one) => fits(events, one, id));
    case 'any':
      return condition.of.some((one) => fits(events, one, id));
    case 'not':
      return !fits(events, condition.of, id);
    case 'member':
      return holds(condition.where, (name) => propertyOf(events, ref('Account', id), name));
    case 'did':
      return times(events, condition, id) >= condition.atLeast;
    default:
      throw new Error('the oracle knows no frozen audiences');
  }
}

function propertyOf(events: readonly EventMutations[], node: NodeRef, name: string): PropertyValue {
  const mutations = events.flatMap((event) => event.mutations);
  const found = mutations.find(
    (one) => one.kind === 'node' && one.node.type === node.type && one.node.id === node.id,
  );
  const value = found?.kind === 'node' ? found.properties.find(([one]) => one === name)?.[1] : null;
  return typeof value === 'object' ? null : (value ?? null);
}

function times(events: readonly EventMutations[], did: Did, id: string): number {
  let count = 0;
  for (const { timeMs, mutations } of events) {
    if (timeMs < did.sinceMs || timeMs >= did.untilMs) continue;
    for (const one of mutations) {
      if (one.kind !== 'edge' || one.type !== did.edge) continue;
      const [own, far] = did.direction === 'out' ? [one.from, one.to] : [one.to, one.from];
      if (own.type !== 'Account' || own.id !== id || !isTarget(events, did.to, far)) continue;
      if (did.where === null || holds(did.where, (name) => one.properties.find(([p]) => p === name)?.[1]))
        count += 1;
    }
  }
  return count;
}

function isTarget(events: readonly EventMutations[], to: Targets, far: NodeRef): boolean {
  switch (to.kind) {
    case 'nodes':
      return to.nodes.some(({ type, id }) => type === far.type && id === far.id);
    case 'any':
      return far.type === to.type;
    case 'where':
      return far.type === to.type && holds(to.where, (name) => propertyOf(events, far, name));
    default:
      return (
        far.type === to.type &&
        to.from.some(({ id }) => propertyOf(events, far, 'franchise') === id && far.type === 'Title')
      );
  }
}
