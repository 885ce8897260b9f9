import { declarationsOf, describeGraph, type MappingPlan, type PropertySchema } from '../schemas/index.ts';

/** One difference between what two versions declare about the graph. */
export interface GraphChange {
  readonly change: 'added' | 'removed' | 'changed';
  /** Such as `node Account .country`. */
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/** Without a version before, everything is added. */
export function graphChanges(before: MappingPlan | null, after: MappingPlan): readonly GraphChange[] {
  const old = before === null ? new Map<string, string>() : linesOf(before);
  const now = linesOf(after);
  const changes: GraphChange[] = [];
  for (const [name, was] of old) {
    const is = now.get(name);
    if (is === undefined) changes.push({ change: 'removed', name, before: was, after: '' });
    else if (is !== was) changes.push({ change: 'changed', name, before: was, after: is });
  }
  for (const [name, is] of now) {
    if (!old.has(name)) changes.push({ change: 'added', name, before: '', after: is });
  }
  return changes;
}

function linesOf(plan: MappingPlan): ReadonlyMap<string, string> {
  const { schema } = describeGraph(declarationsOf(plan));
  const lines = new Map<string, string>();
  for (const { name, idKind, properties, ttlMs } of schema.nodeTypes) {
    lines.set(`node ${name}`, `id ${idKind}${keptFor(ttlMs)}`);
    for (const property of properties) lines.set(`node ${name} .${property.name}`, kindOf(property));
  }
  for (const { name, ends, keyed, properties, ttlMs } of schema.edgeTypes) {
    const says = `${keyed ? 'one a key' : 'one a pair'}${keptFor(ttlMs)}`;
    for (const { from, to } of ends) lines.set(`edge ${from} ${name} ${to}`, says);
    for (const property of properties) lines.set(`edge ${name} .${property.name}`, kindOf(property));
  }
  for (const { name, actions } of schema.domains) {
    for (const action of actions) lines.set(`step “${action.name}”`, name);
  }
  return lines;
}

function keptFor(ttlMs: number | null): string {
  return ttlMs === null ? '' : `, kept for ${durationText(ttlMs)}`;
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** As a mapping writes it, in the largest unit that says it exactly: `365d`. */
export function durationText(ms: number): string {
  const [unit, size] = units.find((one) => ms % one[1] === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

function kindOf({ kind, many, fold }: PropertySchema): string {
  if (fold !== 'last') return `${kind}, ${fold}`;
  return many ? `set of ${kind}` : kind;
}
