import { declarationsOf, describeGraph, type MappingPlan } from '../schemas/index.ts';

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
  for (const { name, idKind, properties } of schema.nodeTypes) {
    lines.set(`node ${name}`, `id ${idKind}`);
    for (const property of properties) lines.set(`node ${name} .${property.name}`, property.kind);
  }
  for (const { name, ends, properties } of schema.edgeTypes) {
    for (const { from, to } of ends) lines.set(`edge ${from} ${name} ${to}`, 'edge');
    for (const property of properties) lines.set(`edge ${name} .${property.name}`, property.kind);
  }
  for (const { name, actions } of schema.domains) {
    for (const action of actions) lines.set(`step “${action.name}”`, name);
  }
  return lines;
}
