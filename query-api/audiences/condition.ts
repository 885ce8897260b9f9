import { unreachable } from '../../foundation/index.ts';
import type { NodeRef } from '../../graph-store/index.ts';
import type { Predicate } from '../where/predicate.ts';

/** Who belongs to an audience: a condition on one node. Times are fixed when it is asked, so that it means the same for as long as it is kept. */
export type Condition =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | Did
  /** Properties of the member itself. */
  | { readonly kind: 'member'; readonly where: Predicate }
  /** A member of one that is frozen. */
  | { readonly kind: 'audience'; readonly id: string };

/** The member has at least so many occurrences of an edge to any of the targets. */
export interface Did {
  readonly kind: 'did';
  readonly edge: string;
  /** As the member sees it: `out` leads from it. */
  readonly direction: 'out' | 'in';
  readonly sinceMs: number;
  /** What was asked where `sinceMs` follows from when it was asked, such as `90d`; null of the default lookback. Absent where the time itself was given. */
  readonly within?: string | null;
  readonly untilMs: number;
  readonly to: Targets;
  /** Properties of the edge's occurrence. */
  readonly where: Predicate | null;
  readonly atLeast: number;
}

/** At the other end: these nodes; those of a type that hold a condition; those that an edge joins to some; any of a type. */
export type Targets =
  | { readonly kind: 'nodes'; readonly nodes: readonly NodeRef[] }
  | { readonly kind: 'where'; readonly type: string; readonly where: Predicate }
  | {
      readonly kind: 'reached';
      readonly from: readonly NodeRef[];
      readonly edge: string;
      /** As `from` sees it. */
      readonly direction: 'out' | 'in';
      readonly type: string;
    }
  | { readonly kind: 'any'; readonly type: string };

/** What is frozen or estimated: nodes of one type that hold a condition. */
export interface Definition {
  readonly memberType: string;
  readonly where: Condition;
}

/** Everything that somebody did, in the order in which it is written. */
export function didsOf(condition: Condition): readonly Did[] {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of.flatMap(didsOf);
    case 'not':
      return didsOf(condition.of);
    case 'did':
      return [condition];
    case 'member':
    case 'audience':
      return [];
    default:
      return unreachable(condition);
  }
}

/** Ids of the audiences that it names, in the order in which it is written. */
export function audiencesIn(condition: Condition): readonly string[] {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of.flatMap(audiencesIn);
    case 'not':
      return audiencesIn(condition.of);
    case 'audience':
      return [condition.id];
    case 'did':
    case 'member':
      return [];
    default:
      return unreachable(condition);
  }
}

/** Names of properties that a predicate looks at. */
export function propertiesIn(predicate: Predicate): readonly string[] {
  switch (predicate.kind) {
    case 'all':
    case 'any':
      return [...new Set(predicate.of.flatMap(propertiesIn))];
    case 'not':
      return propertiesIn(predicate.of);
    case 'property':
      return [predicate.name];
    default:
      return unreachable(predicate);
  }
}

/** Whole numbers beyond doubles are kept as digits under this name: JSON would round them. */
const bigintName = '$integer';

export function encodeDefinition(definition: Definition): string {
  return JSON.stringify(definition, (_name, value: unknown) =>
    typeof value === 'bigint' ? { [bigintName]: value.toString() } : value,
  );
}

/** Of what {@link encodeDefinition} wrote. */
export function decodeDefinition(text: string): Definition {
  const definition: Definition = JSON.parse(text, (_name, value: unknown) => {
    if (typeof value !== 'object' || value === null || !(bigintName in value)) return value;
    return BigInt(String(value[bigintName]));
  });
  return definition;
}

/** For people: the language's own words with the times that were fixed. */
export function conditionText(condition: Condition): string {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return `${condition.kind} of ${condition.of.length}`;
    case 'not':
      return 'not';
    case 'member':
      return `member where ${predicateText(condition.where)}`;
    case 'audience':
      return `in audience ${condition.id}`;
    case 'did':
      return didText(condition);
    default:
      return unreachable(condition);
  }
}

function didText({ edge, direction, sinceMs, to, where, atLeast }: Did): string {
  const arrow = direction === 'out' ? `-[${edge}]->` : `<-[${edge}]-`;
  const times = atLeast === 1 ? '' : ` at least ${atLeast} times`;
  const by = where === null ? '' : ` where ${predicateText(where)}`;
  return `${arrow} ${targetsText(to)}${by}${times} since ${new Date(sinceMs).toISOString()}`;
}

function targetsText(to: Targets): string {
  switch (to.kind) {
    case 'nodes':
      return to.nodes.length === 1
        ? `${to.nodes[0]?.type}:${to.nodes[0]?.id}`
        : `any of ${to.nodes.length} nodes`;
    case 'where':
      return `any ${to.type} where ${predicateText(to.where)}`;
    case 'reached':
      return `any ${to.type} joined by ${to.edge} to ${to.from.map(({ type, id }) => `${type}:${id}`).join(', ')}`;
    case 'any':
      return `any ${to.type}`;
    default:
      return unreachable(to);
  }
}

export function predicateText(predicate: Predicate): string {
  switch (predicate.kind) {
    case 'all':
    case 'any':
      return predicate.of.length === 0
        ? predicate.kind
        : `(${predicate.of.map(predicateText).join(predicate.kind === 'all' ? ' and ' : ' or ')})`;
    case 'not':
      return `not ${predicateText(predicate.of)}`;
    case 'property': {
      const { name, comparison } = predicate;
      const value = comparison.operator === 'in' ? comparison.values : comparison.value;
      const text = JSON.stringify(value, (_name, one: unknown) =>
        typeof one === 'bigint' ? one.toString() : one,
      );
      return `${name} ${comparison.operator} ${text}`;
    }
    default:
      return unreachable(predicate);
  }
}
