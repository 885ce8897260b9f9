import {
  type GraphSchema,
  graphqlFieldName,
  graphqlTypeName,
  type PropertyKind,
  reservedTypeNames,
} from '../schemas/index.ts';

export interface TypedField {
  /** In GraphQL. */
  readonly name: string;
  /** In the graph. */
  readonly property: string;
  readonly kind: PropertyKind;
  /** True for a list: the property is a set. */
  readonly many: boolean;
  /** False when it was declared since the start, and no mapping in force declares it now. */
  readonly declared: boolean;
}

export interface TypedNode {
  /** In GraphQL. */
  readonly name: string;
  readonly rootField: string;
  /** In the graph. */
  readonly nodeType: string;
  readonly declared: boolean;
  readonly fields: readonly TypedField[];
}

/** Something of the graph schema that has no place in the typed part, and why. */
export interface TypedWarning {
  readonly path: string;
  /** A clause that goes on after the path: why, and what to do. */
  readonly sentence: string;
}

/** The typed part of the API: one type a node type. */
export interface TypedPlan {
  readonly nodes: readonly TypedNode[];
  readonly warnings: readonly TypedWarning[];
}

/** Names that the API has for itself. */
export interface TakenNames {
  readonly rootFields: ReadonlySet<string>;
  /** Of every node. */
  readonly fields: ReadonlySet<string>;
}

export interface TypedLimits {
  readonly typesMax: number;
  /** Properties of all types together. */
  readonly fieldsMax: number;
}

/** Introspecting as many takes about a fifth of a second, all in one go: that, more than building them, is what bounds them. */
export const typedLimitsDefault: TypedLimits = { typesMax: 500, fieldsMax: 10_000 };
export const emptyPlan: TypedPlan = { nodes: [], warnings: [] };

const warningsMax = 50;
const graphqlName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Who gets a name or a place when there is one too few: first what is declared and was in the plan before, so that nothing takes
 * away what clients use; then what is declared newly; last what is not declared any more.
 */
type Turn = 0 | 1 | 2;

interface TypeClaim {
  readonly nodeType: string;
  readonly turn: Turn;
}

interface FieldClaim {
  readonly nodeType: string;
  readonly property: string;
  readonly kind: PropertyKind;
  readonly many: boolean;
  readonly turn: Turn;
}

/**
 * The typed part for a graph schema. What the plan before had and the graph schema lacks stays, marked as not declared: a
 * mapping may just have been pushed out of a bounded cache, and what was written by it is still in the graph.
 * What cannot be typed is left out with a warning and changes nothing for the rest. A node type of which nothing changes
 * is the same object as before, so that its GraphQL type is made once.
 */
export function planTypes(
  graph: GraphSchema,
  before: TypedPlan,
  taken: TakenNames,
  limits: TypedLimits = typedLimitsDefault,
): TypedPlan {
  const warnings: TypedWarning[] = [];
  const nodes = placeTypes(typeClaims(graph, before), taken, limits, warnings);
  const claims = fieldClaims(graph, before).filter(({ nodeType }) => nodes.has(nodeType));
  const fields = placeFields(claims, taken, limits, warnings);
  const known = new Map(before.nodes.map((node) => [node.nodeType, node]));
  const planned = [...nodes.values()].map((node) => {
    const own = [...(fields.get(node.nodeType)?.values() ?? [])].sort((a, b) => compare(a.name, b.name));
    const now = { ...node, fields: own };
    const was = known.get(node.nodeType);
    return was !== undefined && JSON.stringify(was) === JSON.stringify(now) ? was : now;
  });
  return { nodes: planned.sort((a, b) => compare(a.name, b.name)), warnings: shown(warnings) };
}

function typeClaims(graph: GraphSchema, before: TypedPlan): readonly TypeClaim[] {
  const had = new Set(before.nodes.map(({ nodeType }) => nodeType));
  const declared = new Set(graph.nodeTypes.map(({ name }) => name));
  const claims: TypeClaim[] = graph.nodeTypes.map(({ name }) => ({
    nodeType: name,
    turn: had.has(name) ? 0 : 1,
  }));
  for (const { nodeType } of before.nodes) if (!declared.has(nodeType)) claims.push({ nodeType, turn: 2 });
  return claims.sort((a, b) => a.turn - b.turn || compare(a.nodeType, b.nodeType));
}

function fieldClaims(graph: GraphSchema, before: TypedPlan): readonly FieldClaim[] {
  const turns: Readonly<Record<Turn, FieldClaim[]>> = { 0: [], 1: [], 2: [] };
  const left = new Map(
    before.nodes.map(({ nodeType, fields }) => [
      nodeType,
      new Map(fields.map(({ property, kind, many }) => [property, { kind, many }])),
    ]),
  );
  for (const { name: nodeType, properties } of graph.nodeTypes) {
    const had = left.get(nodeType);
    for (const { name: property, kind, many } of properties) {
      const turn = had?.delete(property) === true ? 0 : 1;
      turns[turn].push({ nodeType, property, kind, many, turn });
    }
  }
  for (const [nodeType, properties] of left) {
    for (const [property, typed] of properties) turns[2].push({ nodeType, property, ...typed, turn: 2 });
  }
  return [...turns[0], ...turns[1], ...turns[2]];
}

/** By node type. */
function placeTypes(
  claims: readonly TypeClaim[],
  taken: TakenNames,
  { typesMax }: TypedLimits,
  warnings: TypedWarning[],
): ReadonlyMap<string, TypedNode> {
  const placed = new Map<string, TypedNode>();
  const owners = new Map<string, string>();
  let beyond = 0;
  for (const { nodeType, turn } of claims) {
    const name = graphqlTypeName(nodeType);
    const rootField = name.slice(0, 1).toLowerCase() + name.slice(1);
    const obstacle = typeObstacle(name, rootField, taken, owners);
    if (obstacle !== null) {
      // A reader who meets it in the graph schema should find why it is not in GraphQL; one that is gone needs no reason.
      if (turn !== 2)
        warnings.push({
          path: nodeType,
          sentence: `has no type in GraphQL: ${obstacle}; ask for it with \`node\`, or give the node type another name`,
        });
    } else if (placed.size === typesMax) beyond += turn === 2 ? 0 : 1;
    else {
      owners.set(name, nodeType);
      placed.set(nodeType, { name, rootField, nodeType, declared: turn !== 2, fields: [] });
    }
  }
  if (beyond > 0) {
    const sentence = `has ${beyond} node types without a type in GraphQL, which takes at most ${typesMax}: ask for those with \`node\``;
    warnings.push({ path: 'graph', sentence });
  }
  return placed;
}

function typeObstacle(
  name: string,
  rootField: string,
  taken: TakenNames,
  owners: ReadonlyMap<string, string>,
): string | null {
  if (!graphqlName.test(name)) return `\`${name}\` is no name there`;
  if (name.startsWith('__') || reservedTypeNames.has(name))
    return `\`${name}\` is a name that GraphQL or the API itself needs`;
  if (taken.rootFields.has(rootField)) return `\`${rootField}\` is a field of the API's own`;
  const owner = owners.get(name);
  return owner === undefined ? null : `\`${name}\` is \`${owner}\` already`;
}

/** By node type and name. */
function placeFields(
  claims: readonly FieldClaim[],
  taken: TakenNames,
  { fieldsMax }: TypedLimits,
  warnings: TypedWarning[],
): ReadonlyMap<string, ReadonlyMap<string, TypedField>> {
  const placed = new Map<string, Map<string, TypedField>>();
  const names = new Map<string, string>();
  let left = fieldsMax;
  let beyond = 0;
  for (const { nodeType, property, kind, many, turn } of claims) {
    const fields = placed.get(nodeType) ?? new Map<string, TypedField>();
    placed.set(nodeType, fields);
    const name = names.get(property) ?? graphqlFieldName(property);
    names.set(property, name);
    const obstacle = fieldObstacle(name, taken, fields.get(name)?.property);
    if (obstacle !== null) {
      const sentence = `is no field of its own in GraphQL: ${obstacle}; read it in \`properties\`, or give the property another name`;
      if (turn !== 2) warnings.push({ path: `${nodeType}.${property}`, sentence });
    } else if (left === 0) beyond += turn === 2 ? 0 : 1;
    else {
      left -= 1;
      fields.set(name, { name, property, kind, many, declared: turn !== 2 });
    }
  }
  if (beyond > 0) {
    const sentence = `has ${beyond} properties that are no fields in GraphQL, which takes at most ${fieldsMax}: read those in \`properties\``;
    warnings.push({ path: 'graph', sentence });
  }
  return placed;
}

function fieldObstacle(name: string, taken: TakenNames, owner: string | undefined): string | null {
  if (!graphqlName.test(name)) return `\`${name}\` is no name there`;
  if (name.startsWith('__')) return `\`${name}\` is a name that GraphQL keeps for itself`;
  if (taken.fields.has(name)) return `every node has a field \`${name}\``;
  return owner === undefined ? null : `\`${name}\` is \`${owner}\` already`;
}

function shown(warnings: readonly TypedWarning[]): readonly TypedWarning[] {
  const sorted = [...warnings].sort((a, b) => compare(a.path, b.path));
  if (sorted.length <= warningsMax) return sorted;
  const rest = { path: 'graph', sentence: `has ${sorted.length - warningsMax} more of these` };
  return [...sorted.slice(0, warningsMax), rest];
}

/** By code units, which is the same everywhere. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
