import type { DeclaredBy, TimeToLive } from '../graph-store/index.ts';
import type { GraphDeclarations } from '../schemas/index.ts';

/** Milliseconds by type, as one mapping declares them. */
export type MappingTimesToLive = Pick<TimeToLive, Kind>;

/** Of each subject with a mapping in force. */
export type DeclaredTimesToLive = ReadonlyMap<string, MappingTimesToLive>;

/** A subject in force whose word about a type does not count, because others who declared otherwise are not in force. */
export interface Dispute {
  readonly type: string;
  readonly subject: string;
  readonly ttlMs: number;
  /** The rule that stays, and who holds it. */
  readonly keptMs: number;
  readonly heldBy: readonly string[];
}

export interface NextRules {
  readonly rules: TimeToLive;
  readonly disputes: readonly Dispute[];
}

type Kind = 'nodes' | 'edges';

interface Rule {
  readonly ttlMs: number;
  /** Sorted; empty when nobody knows. */
  readonly by: readonly string[];
}

type Sayings = readonly (readonly [subject: string, ttlMs: number])[];

export function timesToLiveIn(declarations: GraphDeclarations): MappingTimesToLive {
  const ttls = [...declarations.values()].filter((one) => one.of === 'ttl');
  const on = (owner: 'node' | 'edge'): Readonly<Record<string, number>> =>
    Object.fromEntries(ttls.filter((one) => one.owner === owner).map(({ type, ttlMs }) => [type, ttlMs]));
  return { nodes: on('node'), edges: on('edge') };
}

/**
 * The rules that follow from those that the store has and what the mappings in force declare.
 *
 * A rule hides data: it must not end, or become another, because a mapping is merely not in force (not met yet, pushed out, a newest
 * version that does not compile). So it belongs to the subjects that declared it and stays until each of them has been seen in
 * force without it. A rule whose owners nobody knows stays until a mapping in force declares the type.
 */
export function nextRules(before: TimeToLive, declared: DeclaredTimesToLive): NextRules {
  const disputes: Dispute[] = [];
  const nodes = nextOfKind('nodes', before, declared, disputes);
  const edges = nextOfKind('edges', before, declared, disputes);
  const declaredBy: DeclaredBy = { nodes: ownersOf(nodes), edges: ownersOf(edges) };
  return { rules: { nodes: millisecondsOf(nodes), edges: millisecondsOf(edges), declaredBy }, disputes };
}

/** Whether both say the same, whatever order it is in. */
export function areSameRules(a: TimeToLive, b: TimeToLive): boolean {
  const text = (rules: TimeToLive): string =>
    JSON.stringify([[...rulesOf('nodes', rules)].sort(byType), [...rulesOf('edges', rules)].sort(byType)]);
  return text(a) === text(b);
}

function nextOfKind(
  kind: Kind,
  before: TimeToLive,
  declared: DeclaredTimesToLive,
  disputes: Dispute[],
): ReadonlyMap<string, Rule> {
  const rules = rulesOf(kind, before);
  const said = sayingsOf(kind, declared);
  const next = new Map<string, Rule>();
  for (const type of [...new Set([...rules.keys(), ...said.keys()])].sort()) {
    const sayings = said.get(type) ?? [];
    const rule = nextRule(rules.get(type) ?? null, sayings, declared);
    if (rule === null) continue;
    next.set(type, rule);
    const heldBy = rule.by.filter((subject) => !declared.has(subject));
    for (const [subject, ttlMs] of sayings) {
      if (ttlMs !== rule.ttlMs) disputes.push({ type, subject, ttlMs, keptMs: rule.ttlMs, heldBy });
    }
  }
  return next;
}

/** The mappings in force never contradict each other, so all sayings are of one time. */
function nextRule(rule: Rule | null, sayings: Sayings, inForce: DeclaredTimesToLive): Rule | null {
  const absent = rule?.by.filter((subject) => !inForce.has(subject)) ?? [];
  const [first] = sayings;
  const isHeld = absent.length > 0 || (first === undefined && rule?.by.length === 0);
  const ttlMs = isHeld ? rule?.ttlMs : first?.[1];
  if (ttlMs === undefined) return null;
  const declaring = sayings.filter(([, said]) => said === ttlMs).map(([subject]) => subject);
  return { ttlMs, by: [...absent, ...declaring].sort() };
}

function rulesOf(kind: Kind, rules: TimeToLive): ReadonlyMap<string, Rule> {
  const owners = new Map(Object.entries(rules.declaredBy?.[kind] ?? {}));
  const entries = Object.entries(rules[kind]);
  return new Map(entries.map(([type, ttlMs]) => [type, { ttlMs, by: owners.get(type) ?? [] }]));
}

function sayingsOf(kind: Kind, declared: DeclaredTimesToLive): ReadonlyMap<string, Sayings> {
  const all = [...declared].flatMap(([subject, ttls]) =>
    Object.entries(ttls[kind]).map(([type, ttlMs]) => ({ type, subject, ttlMs })),
  );
  const groups = [...Map.groupBy(all, ({ type }) => type)];
  return new Map(groups.map(([type, of]) => [type, of.map(({ subject, ttlMs }) => [subject, ttlMs])]));
}

function millisecondsOf(rules: ReadonlyMap<string, Rule>): Readonly<Record<string, number>> {
  return Object.fromEntries([...rules].map(([type, { ttlMs }]) => [type, ttlMs]));
}

function ownersOf(rules: ReadonlyMap<string, Rule>): Readonly<Record<string, readonly string[]>> {
  const known = [...rules].filter(([, { by }]) => by.length > 0);
  return Object.fromEntries(known.map(([type, { by }]) => [type, by]));
}

function byType([a]: readonly [string, Rule], [b]: readonly [string, Rule]): number {
  return a < b ? -1 : 1;
}
