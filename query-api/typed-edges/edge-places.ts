import { type GraphSchema, graphqlFieldName, reservedTypeNames } from '../../schemas/index.ts';
import { compare, graphqlName } from '../typed-names.ts';
import type { FieldPlaces } from '../typed-places.ts';
import type {
  TypedEdge,
  TypedField,
  TypedLimits,
  TypedNode,
  TypedPlan,
  TypedWarning,
} from '../typed-plan.ts';
import { type EdgeClaim, edgeFieldName, edgePath } from './edge-claims.ts';
import { connectionTypeNames } from './generated-names.ts';

/** What every edge of a connection has beside its properties. */
export const ownEdgeFields = ['cursor', 'time', 'key', 'node', 'nodeRef', 'properties', 'lineage'] as const;
const taken: ReadonlySet<string> = new Set(ownEdgeFields);

/**
 * What a connection is in fields: three types of its own, with arguments, and each property as a field and as a condition. Introspection takes as long for one as
 * for so many properties, and that is what the limit is for.
 */
function fieldsOfConnection(fields: readonly TypedField[]): number {
  return 20 + 2 * fields.length;
}

/** The connections of the placed node types, in the order in which they are claimed. */
export class EdgePlaces {
  readonly #nodes: ReadonlyMap<string, TypedNode>;
  readonly #fields: FieldPlaces;
  readonly #limits: TypedLimits;
  readonly #warnings: TypedWarning[];
  readonly #typeNames: Set<string>;
  readonly #ownFields: ReadonlyMap<string, readonly TypedField[]>;
  readonly #placed = new Map<string, TypedEdge[]>();
  #left: number;
  #beyond = 0;

  constructor(
    graph: GraphSchema,
    before: TypedPlan,
    nodes: ReadonlyMap<string, TypedNode>,
    fields: FieldPlaces,
    limits: TypedLimits,
    warnings: TypedWarning[],
  ) {
    this.#nodes = nodes;
    this.#fields = fields;
    this.#limits = limits;
    this.#warnings = warnings;
    this.#typeNames = new Set(
      [...nodes.values()].flatMap(({ name, whereName }) => [name, whereName ?? name]),
    );
    this.#ownFields = edgeFields(graph, before, warnings);
    this.#left = limits.edgesMax;
  }

  place(claim: EdgeClaim): void {
    const { nodeType, edgeType, direction, far, turn } = claim;
    const node = this.#nodes.get(nodeType);
    if (node === undefined) return;
    const name = edgeFieldName(edgeType, direction);
    const typeName = `${node.name}${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
    const obstacle = this.#fields.obstacle(nodeType, name) ?? this.#typeObstacle(typeName);
    const fields = this.#ownFields.get(edgeType) ?? [];
    if (obstacle !== null) {
      const sentence = `is no connection in GraphQL: ${obstacle}; follow it with \`traverse\`, or give one of them another name`;
      if (turn !== 2) this.#warnings.push({ path: edgePath(claim), sentence });
    } else if (this.#left === 0 || !this.#fields.takeFields(fieldsOfConnection(fields)))
      this.#beyond += turn === 2 ? 0 : 1;
    else {
      this.#left -= 1;
      this.#fields.own(nodeType, name, edgePath({ nodeType: '', edgeType, direction }));
      for (const used of Object.values(connectionTypeNames(typeName))) this.#typeNames.add(used);
      const placed = this.#placed.get(nodeType) ?? [];
      placed.push({ name, typeName, edgeType, direction, far, declared: turn !== 2, fields });
      this.#placed.set(nodeType, placed);
    }
  }

  finish(): void {
    if (this.#beyond === 0) return;
    const sentence = `has ${this.#beyond} sides of edge types that are no connections in GraphQL, which takes at most ${this.#limits.edgesMax} of them and, with all properties, ${this.#limits.fieldsMax} fields: follow those with \`traverse\``;
    this.#warnings.push({ path: 'graph', sentence });
  }

  of(nodeType: string): readonly TypedEdge[] {
    return [...(this.#placed.get(nodeType) ?? [])].sort((a, b) => compare(a.name, b.name));
  }

  #typeObstacle(typeName: string): string | null {
    const clash = Object.values(connectionTypeNames(typeName)).find(
      (name) => this.#typeNames.has(name) || reservedTypeNames.has(name),
    );
    return clash === undefined ? null : `\`${clash}\` is another type already`;
  }
}

/** By edge type: the same at each of its connections. What was declared since the start stays. */
function edgeFields(
  graph: GraphSchema,
  before: TypedPlan,
  warnings: TypedWarning[],
): ReadonlyMap<string, readonly TypedField[]> {
  const had = new Map<string, readonly TypedField[]>();
  for (const { edges } of before.nodes) for (const { edgeType, fields } of edges) had.set(edgeType, fields);
  const found = new Map<string, readonly TypedField[]>();
  for (const { name: edgeType, properties } of graph.edgeTypes) {
    const old = had.get(edgeType) ?? [];
    const isOld = ({ name }: { readonly name: string }): boolean =>
      old.some(({ property }) => property === name);
    const fields = new Map<string, TypedField>();
    // In use first, so that no newer property takes a name away.
    for (const one of [...properties.filter(isOld), ...properties.filter((own) => !isOld(own))]) {
      const name = graphqlFieldName(one.name);
      const obstacle = fieldObstacle(name, fields.get(name)?.property);
      // One occurrence has one value, whatever all of them fold to.
      if (obstacle === null)
        fields.set(name, { name, property: one.name, kind: one.kind, many: false, declared: true });
      else {
        const sentence = `is no field of its own in GraphQL: ${obstacle}; read it in \`properties\`, or give the property another name`;
        warnings.push({ path: `${edgeType}.${one.name}`, sentence });
      }
    }
    for (const one of old) if (!fields.has(one.name)) fields.set(one.name, { ...one, declared: false });
    found.set(
      edgeType,
      [...fields.values()].sort((a, b) => compare(a.name, b.name)),
    );
  }
  for (const [edgeType, fields] of had) {
    if (!found.has(edgeType))
      found.set(
        edgeType,
        fields.map((field) => ({ ...field, declared: false })),
      );
  }
  return found;
}

function fieldObstacle(name: string, owner: string | undefined): string | null {
  if (!graphqlName.test(name) || name.startsWith('__')) return `\`${name}\` is no name there`;
  if (taken.has(name)) return `every edge has a field \`${name}\``;
  return owner === undefined ? null : `\`${name}\` is \`${owner}\` already`;
}
