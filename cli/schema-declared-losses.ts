import {
  type BlockPlan,
  declarationsOf,
  describeGraph,
  type EdgeTypeSchema,
  type MappingPlan,
  type NodeTypeSchema,
  type PropertySchema,
} from '../schemas/index.ts';
import { durationText } from './schema-graph-changes.ts';

/**
 * What a version destroys of what is in the graph already, or makes unreadable to those who ask for it, by what it declares:
 * samples cannot show it, since each event by itself still writes the same. Sentences; what is not declared any more is none
 * of them, because what events no longer write is counted by samples.
 */
export function declaredLosses(before: MappingPlan, after: MappingPlan): readonly string[] {
  const was = describeGraph(declarationsOf(before)).schema;
  const is = describeGraph(declarationsOf(after)).schema;
  const losses = eventIdLoss(before, after);
  for (const node of is.nodeTypes) {
    const old = was.nodeTypes.find(({ name }) => name === node.name);
    if (old === undefined) continue;
    if (old.idKind !== node.idKind)
      losses.push(`ids of node ${node.name} would be ${node.idKind}, and are ${old.idKind} now`);
    losses.push(...typeLosses('node', old, node));
  }
  for (const edge of is.edgeTypes) {
    const old = was.edgeTypes.find(({ name }) => name === edge.name);
    if (old === undefined) continue;
    if (old.keyed !== edge.keyed) {
      const said = edge.keyed
        ? 'one a key, and there is one a pair now'
        : 'one a pair, and there is one a key now';
      losses.push(`of edge ${edge.name} there would be ${said}: new ones stand beside those of before`);
    }
    losses.push(...typeLosses('edge', old, edge));
  }
  return [...losses, ...setLosses(before, after)];
}

/** Of declarations that are gone; events of samples show it too, where they hold what is declared. */
export function declaredRemovals(before: MappingPlan, after: MappingPlan): readonly string[] {
  const declared = (plan: MappingPlan): ReadonlySet<string> => {
    const { nodeTypes, edgeTypes } = describeGraph(declarationsOf(plan)).schema;
    const names = new Set<string>();
    for (const [part, types] of [
      ['node', nodeTypes],
      ['edge', edgeTypes],
    ] as const) {
      for (const { name, properties } of types) {
        names.add(`${part} ${name}`);
        for (const property of properties) names.add(`${part} ${name} .${property.name}`);
      }
    }
    return names;
  };
  const now = declared(after);
  const gone = [...declared(before)].filter((name) => !now.has(name));
  // A property of a type that is gone is not said once more.
  return gone
    .filter((name) => !gone.some((owner) => name.startsWith(`${owner} .`)))
    .map((name) => `${name} would not be written any more`);
}

function eventIdLoss({ eventId: old }: MappingPlan, { eventId: now }: MappingPlan): string[] {
  if (old?.path === now?.path) return [];
  const would = now === null ? 'there would be no eventId' : `the eventId would be ${now.path}`;
  const is = old === null ? 'there is none now' : `it is ${old.path} now`;
  return [`${would}, and ${is}: an event that is read again would count as another one`];
}

function typeLosses(
  part: 'node' | 'edge',
  was: NodeTypeSchema | EdgeTypeSchema,
  is: NodeTypeSchema | EdgeTypeSchema,
): readonly string[] {
  const losses: string[] = [];
  if (is.ttlMs !== null && (was.ttlMs === null || is.ttlMs < was.ttlMs)) {
    const old = was.ttlMs === null ? 'for ever' : `for ${durationText(was.ttlMs)}`;
    losses.push(
      `${part} ${is.name} would be kept for ${durationText(is.ttlMs)}, and is kept ${old} now: what is older is deleted`,
    );
  }
  for (const property of is.properties) {
    const old = was.properties.find(({ name }) => name === property.name);
    if (old !== undefined)
      losses.push(...propertyLosses(`${part} ${is.name} .${property.name}`, old, property));
  }
  return losses;
}

function propertyLosses(name: string, was: PropertySchema, is: PropertySchema): readonly string[] {
  const losses: string[] = [];
  if (is.kind !== was.kind) losses.push(`${name} would be ${is.kind}, and is ${was.kind} now`);
  if (is.fold !== was.fold)
    losses.push(
      `${name} would be folded by ${is.fold}, and is by ${was.fold} now: what it has gathered would not go on`,
    );
  else if (is.many !== was.many) {
    const several = (many: boolean): string => (many ? 'several values' : 'one value');
    losses.push(`${name} would have ${several(is.many)}, and has ${several(was.many)} now`);
  }
  return losses;
}

/** What was added would be removed, or the like. One value in place of several is told by the kinds. */
function setLosses(before: MappingPlan, after: MappingPlan): readonly string[] {
  const is = setRules(after.body, new Map());
  return [...setRules(before.body, new Map())].flatMap(([name, old]) => {
    const now = is.get(name);
    if (now === undefined) return [];
    const isKept = [...old].every((rule) => now.has(rule));
    const takesAway = [...now].some((rule) => rule !== 'add' && !old.has(rule));
    if (isKept && !takesAway) return [];
    return [`the set of ${name} would be written by ${list(now)}, and is by ${list(old)} now`];
  });
}

type SetRules = Map<string, Set<string>>;

function setRules({ nodes, loops }: BlockPlan, rules: SetRules): SetRules {
  for (const { type, properties } of nodes) {
    for (const { name, set } of properties) {
      if (set === null) continue;
      const at = `node ${type} .${name}`;
      const known = rules.get(at) ?? new Set();
      rules.set(at, known.add(set.op));
    }
  }
  for (const { body } of loops) setRules(body, rules);
  return rules;
}

function list(names: ReadonlySet<string>): string {
  return [...names].sort().join(' and ');
}
