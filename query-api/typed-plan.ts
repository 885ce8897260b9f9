import { type GraphSchema, graphqlTypeName, type PropertyKind, reservedTypeNames } from '../schemas/index.ts';
import { edgeClaims } from './typed-edges/edge-claims.ts';
import { EdgePlaces } from './typed-edges/edge-places.ts';
import { generatedNames, whereTypeName } from './typed-edges/generated-names.ts';
import { compare, graphqlName } from './typed-names.ts';
import { FieldPlaces } from './typed-places.ts';

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

/** The edges of one type at one side of a node type: a connection. */
export interface TypedEdge {
  /** Of the field at the node. */
  readonly name: string;
  /** What the names of its own types begin with, such as `AccountWatched`. */
  readonly typeName: string;
  /** In the graph. */
  readonly edgeType: string;
  readonly direction: 'out' | 'in';
  /** Node types at the far end, sorted; those too that were declared since the start and no mapping in force declares now. */
  readonly far: readonly string[];
  readonly declared: boolean;
  /** The edge's own properties. */
  readonly fields: readonly TypedField[];
}

export interface TypedNode {
  /** In GraphQL. */
  readonly name: string;
  /** Of the conditions on its properties; null where another type has the name. */
  readonly whereName: string | null;
  readonly rootField: string;
  /** In the graph. */
  readonly nodeType: string;
  readonly declared: boolean;
  readonly fields: readonly TypedField[];
  readonly edges: readonly TypedEdge[];
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
  /** Properties of all types together; a connection counts as its fields and arguments do. */
  readonly fieldsMax: number;
  /** Connections of all node types together. */
  readonly edgesMax: number;
}

/** Introspecting as many takes about a fifth of a second, all in one go: that, more than building them, is what bounds them. */
export const typedLimitsDefault: TypedLimits = { typesMax: 500, fieldsMax: 10_000, edgesMax: 400 };
export const emptyPlan: TypedPlan = { nodes: [], warnings: [] };

const warningsMax = 50;

/**
 * Who gets a name or a place when there is one too few: first what is declared and was in the plan before, so that nothing takes
 * away what clients use; then what is declared newly; last what is not declared any more.
 */
export type Turn = 0 | 1 | 2;

interface TypeClaim {
  readonly nodeType: string;
  readonly turn: Turn;
}

export interface FieldClaim {
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
 * is the same object as before.
 */
export function planTypes(
  graph: GraphSchema,
  before: TypedPlan,
  taken: TakenNames,
  limits: TypedLimits = typedLimitsDefault,
): TypedPlan {
  const warnings: TypedWarning[] = [];
  const wheres = new Set(before.nodes.flatMap(({ whereName }) => (whereName === null ? [] : [whereName])));
  const takenTypes = { ...taken, types: generatedNames(before), wheres };
  const nodes = placeTypes(typeClaims(graph, before), takenTypes, limits, warnings);
  const fields = new FieldPlaces(nodes, taken, limits, warnings);
  const edges = new EdgePlaces(graph, before, nodes, fields, limits, warnings);
  const claims = fieldClaims(graph, before);
  const connections = edgeClaims(graph, before);
  for (const turn of [0, 1, 2]) {
    for (const claim of claims) if (claim.turn === turn) fields.place(claim);
    for (const claim of connections) if (claim.turn === turn) edges.place(claim);
  }
  fields.finish();
  edges.finish();
  const known = new Map(before.nodes.map((node) => [node.nodeType, node]));
  const planned = [...nodes.values()].map((node) => {
    const { nodeType } = node;
    const now: TypedNode = { ...node, fields: fields.of(nodeType), edges: edges.of(nodeType) };
    const was = known.get(nodeType);
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
  const claims: FieldClaim[] = [];
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
      claims.push({ nodeType, property, kind, many, turn });
    }
  }
  for (const [nodeType, properties] of left) {
    for (const [property, typed] of properties) claims.push({ nodeType, property, ...typed, turn: 2 });
  }
  return claims;
}

interface TakenTypes extends TakenNames {
  /** By connections and conditions of the plan before. */
  readonly types: ReadonlySet<string>;
  /** Those of them that are for conditions on node types. */
  readonly wheres: ReadonlySet<string>;
}

/** By node type. */
function placeTypes(
  claims: readonly TypeClaim[],
  taken: TakenTypes,
  { typesMax }: TypedLimits,
  warnings: TypedWarning[],
): ReadonlyMap<string, TypedNode> {
  const placed = new Map<string, TypedNode>();
  const owners = new Map<string, string>();
  let beyond = 0;
  for (const { nodeType, turn } of claims) {
    const name = graphqlTypeName(nodeType);
    const rootField = name.slice(0, 1).toLowerCase() + name.slice(1);
    const obstacle = typeObstacle(name, rootField, turn, taken, owners);
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
      const node = {
        name,
        whereName: null,
        rootField,
        nodeType,
        declared: turn !== 2,
        fields: [],
        edges: [],
      };
      placed.set(nodeType, node);
    }
  }
  if (beyond > 0) {
    const sentence = `has ${beyond} node types without a type in GraphQL, which takes at most ${typesMax}: ask for those with \`node\``;
    warnings.push({ path: 'graph', sentence });
  }
  const isFree = (name: string): boolean =>
    taken.wheres.has(name) || (!owners.has(name) && !taken.types.has(name));
  const named = [...placed].map(([nodeType, node]) => {
    const whereName = whereTypeName(node.name);
    return [nodeType, { ...node, whereName: isFree(whereName) ? whereName : null }] as const;
  });
  return new Map(named);
}

function typeObstacle(
  name: string,
  rootField: string,
  turn: Turn,
  taken: TakenTypes,
  owners: ReadonlyMap<string, string>,
): string | null {
  if (!graphqlName.test(name)) return `\`${name}\` is no name there`;
  if (name.startsWith('__') || reservedTypeNames.has(name))
    return `\`${name}\` is a name that GraphQL or the API itself needs`;
  if (taken.rootFields.has(rootField)) return `\`${rootField}\` is a field of the API's own`;
  if (turn === 1 && taken.types.has(name))
    return `\`${name}\` belongs to an edge type or to conditions already`;
  const owner = owners.get(name);
  return owner === undefined ? null : `\`${name}\` is \`${owner}\` already`;
}

function shown(warnings: readonly TypedWarning[]): readonly TypedWarning[] {
  const sorted = [...warnings].sort((a, b) => compare(a.path, b.path));
  if (sorted.length <= warningsMax) return sorted;
  const rest = { path: 'graph', sentence: `has ${sorted.length - warningsMax} more of these` };
  return [...sorted.slice(0, warningsMax), rest];
}
