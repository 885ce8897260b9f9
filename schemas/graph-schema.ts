import { must } from '../foundation/index.ts';
import type { Fold } from '../graph-store/index.ts';
import type { Declaration, DeclaredKind, GraphDeclarations } from './graph-schema-declarations.ts';
import { graphqlFieldName, graphqlTypeName, reservedTypeNames } from './graph-schema-names.ts';

/** What a property holds, whoever declared it. */
export type PropertyKind =
  | 'text'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'timestamp'
  | 'date'
  | 'time of day'
  | 'decimal'
  | 'bytes';

/** What a node type's ids, which are text in the graph, look like. */
export type IdKind = 'text' | 'integer' | 'date';

/** Subjects whose mappings declare a thing, in the order of their names. */
interface Declared {
  readonly declaredBy: readonly string[];
}

export interface PropertySchema extends Declared {
  readonly name: string;
  readonly kind: PropertyKind;
  /** True when it has several values: a node's set, or what an edge gathers from its occurrences. */
  readonly many: boolean;
  /** How the values of an edge's occurrences become one; `last` for a node's, whose newest write wins. */
  readonly fold: Fold;
}

export interface NodeTypeSchema extends Declared {
  readonly name: string;
  readonly idKind: IdKind;
  readonly properties: readonly PropertySchema[];
  /** How long what is known of it is kept, milliseconds; null for ever. */
  readonly ttlMs: number | null;
}

/** Two node types that an edge type leads between. */
export interface EdgeEnds extends Declared {
  readonly from: string;
  readonly to: string;
}

export interface EdgeTypeSchema extends Declared {
  readonly name: string;
  readonly ends: readonly EdgeEnds[];
  /** True when a key tells several edges between two nodes apart. */
  readonly keyed: boolean;
  readonly properties: readonly PropertySchema[];
  /** How long what is known of it is kept, milliseconds; null for ever. */
  readonly ttlMs: number | null;
}

export interface ActionSchema extends Declared {
  readonly name: string;
}

export interface DomainSchema extends Declared {
  readonly name: string;
  readonly actions: readonly ActionSchema[];
}

/** The union of mappings; every list in the order of its names. */
export interface GraphSchema {
  readonly nodeTypes: readonly NodeTypeSchema[];
  readonly edgeTypes: readonly EdgeTypeSchema[];
  readonly domains: readonly DomainSchema[];
}

/** What cannot be true at once. */
export interface GraphSchemaConflict extends Declared {
  /** In the graph, such as `Account.country` or `WATCHED`. */
  readonly path: string;
  /** A clause that goes on after the path: who says what, and what to do. */
  readonly sentence: string;
}

export interface GraphDescription {
  /** Of what the mappings agree on; where they do not, one of them is shown. */
  readonly schema: GraphSchema;
  /** In the order of their paths, up to fifty. */
  readonly conflicts: readonly GraphSchemaConflict[];
}

const conflictsMax = 50;
const declarationsMax = 20_000;

/**
 * What declarations amount to, and where they contradict each other. Depends on nothing but which declarations there are.
 *
 * - Kinds: int and long are both `integer`, and int and double both `number`, because nothing is lost either way. long and double
 *   contradict each other: beyond 2^53 a number rounds what a long says exactly. string, enum and uuid are `text`.
 * - Ids: int and long name a node by the same digits, so they agree; a text or a date beside them does not, since two
 *   subjects that disagree about it mean different ids.
 * - Ends: an edge type may lead between several pairs (`BELONGS_TO` from a game to its title, from an ad to its campaign), as long
 *   as whoever stands at its beginning knows what is at its end: one `to` for each `from`, and no pair in both
 *   directions. So a second subject that sends the same edge elsewhere, or turns it round, is refused.
 * - Keys: an edge type is keyed in every mapping or in none, since an edge without a key is another than each edge with one.
 * - Sets, folds, times to live: a property has one value or several; who does not say how an edge's property is folded, or how long a type
 *   is kept, contradicts nobody who does.
 * - Names: two that become one in GraphQL, and names that GraphQL or the API needs, contradict as well. Node types, edge
 *   types, and the properties of each of them are four namespaces.
 */
export function describeGraph(declarations: GraphDeclarations): GraphDescription {
  const conflicts: GraphSchemaConflict[] = [];
  if (declarations.size > declarationsMax) conflicts.push(tooLarge(declarations));
  const all = [...declarations.entries()].sort(([a], [b]) => compare(a, b)).map(([, declared]) => declared);
  const schema: GraphSchema = {
    nodeTypes: nodeTypes(all, conflicts),
    edgeTypes: edgeTypes(all, conflicts),
    domains: domains(all),
  };
  const sorted = conflicts.sort((a, b) => compare(a.path, b.path) || compare(a.sentence, b.sentence));
  return { schema, conflicts: sorted.slice(0, conflictsMax) };
}

type Conflicts = GraphSchemaConflict[];
type IdDeclaration = Extract<Declaration, { of: 'id' }>;
type PropertyDeclaration = Extract<Declaration, { of: 'property' }>;
type EndsDeclaration = Extract<Declaration, { of: 'ends' }>;
type KeyDeclaration = Extract<Declaration, { of: 'key' }>;
type TtlDeclaration = Extract<Declaration, { of: 'ttl' }>;

function nodeTypes(all: readonly Declaration[], conflicts: Conflicts): readonly NodeTypeSchema[] {
  const ids = groups(
    all.filter((one) => one.of === 'id'),
    ({ type }) => type,
  );
  const properties = groups(propertiesOn('node', all), ({ type }) => type);
  const ttls = groups(ttlsOn('node', all), ({ type }) => type);
  checkTypeNames(ids, 'node type', conflicts);
  return [...ids].map(([name, declared]) => ({
    name,
    idKind: idKindOf(name, declared, conflicts),
    properties: propertiesOf(name, properties.get(name) ?? [], true, conflicts),
    ttlMs: ttlOf(name, ttls.get(name) ?? [], conflicts),
    declaredBy: subjectsOf(declared),
  }));
}

function edgeTypes(all: readonly Declaration[], conflicts: Conflicts): readonly EdgeTypeSchema[] {
  const ends = groups(
    all.filter((one) => one.of === 'ends'),
    ({ type }) => type,
  );
  const properties = groups(propertiesOn('edge', all), ({ type }) => type);
  const ttls = groups(ttlsOn('edge', all), ({ type }) => type);
  const keys = groups(
    all.filter((one) => one.of === 'key'),
    ({ type }) => type,
  );
  checkCollisions(ends, graphqlTypeName, '', 'edge type', conflicts);
  return [...ends].map(([name, declared]) => ({
    name,
    ends: endsOf(name, declared, conflicts),
    keyed: isKeyed(name, keys.get(name) ?? [], conflicts),
    properties: propertiesOf(name, properties.get(name) ?? [], false, conflicts),
    ttlMs: ttlOf(name, ttls.get(name) ?? [], conflicts),
    declaredBy: subjectsOf(declared),
  }));
}

function propertiesOn(owner: 'node' | 'edge', all: readonly Declaration[]): readonly PropertyDeclaration[] {
  return all.filter((one) => one.of === 'property').filter((one) => one.owner === owner);
}

function ttlsOn(owner: 'node' | 'edge', all: readonly Declaration[]): readonly TtlDeclaration[] {
  return all.filter((one) => one.of === 'ttl').filter((one) => one.owner === owner);
}

function ttlOf(type: string, declared: readonly TtlDeclaration[], conflicts: Conflicts): number | null {
  const list = opposed(declared, ({ ttlMs }) => `for ${ttlMs / 1_000} s`);
  if (list !== null) {
    const sentence = `is kept ${list}: a type has one \`ttl\`, which one of the mappings declares`;
    conflicts.push({ path: type, sentence, declaredBy: subjectsOf(declared) });
  }
  return declared[0]?.ttlMs ?? null;
}

function isKeyed(type: string, declared: readonly KeyDeclaration[], conflicts: Conflicts): boolean {
  const list = opposed(declared, ({ keyed }) => (keyed ? 'with a key' : 'without one'));
  if (list !== null) {
    const sentence = `is declared ${list}: give it a \`key\` everywhere or nowhere, or name one of the two relationships otherwise`;
    conflicts.push({ path: type, sentence, declaredBy: subjectsOf(declared) });
  }
  return declared.some(({ keyed }) => keyed);
}

/** Who says what, when not all say the same; null otherwise. */
function opposed<T extends Declaration>(sayings: readonly T[], sayingOf: (one: T) => string): string | null {
  const kinds = groups(sayings, sayingOf);
  if (kinds.size < 2) return null;
  return [...kinds].map(([saying, sayers]) => `${saying} in ${few(subjectsOf(sayers))}`).join(' and ');
}

function domains(all: readonly Declaration[]): readonly DomainSchema[] {
  const declared = groups(
    all.filter((one) => one.of === 'domain'),
    ({ domain }) => domain,
  );
  const actions = groups(
    all.filter((one) => one.of === 'action'),
    ({ domain }) => domain,
  );
  return [...declared].map(([name, sayings]) => ({
    name,
    actions: [...groups(actions.get(name) ?? [], ({ action }) => action)].map(([action, sayers]) => ({
      name: action,
      declaredBy: subjectsOf(sayers),
    })),
    declaredBy: subjectsOf(sayings),
  }));
}

function propertiesOf(
  owner: string,
  declared: readonly PropertyDeclaration[],
  isNode: boolean,
  conflicts: Conflicts,
): readonly PropertySchema[] {
  const byName = groups(declared, ({ name }) => name);
  checkCollisions(byName, graphqlFieldName, `${owner}.`, 'property', conflicts);
  return [...byName].map(([name, sayings]) => {
    const path = `${owner}.${name}`;
    if (isNode && graphqlFieldName(name) === 'id') {
      const sentence = `would hide the node's own id in GraphQL (declared in ${whoSays(sayings)}): give the property another name`;
      conflicts.push({ path, sentence, declaredBy: subjectsOf(sayings) });
    }
    const kind = commonKind(new Set(sayings.map((one) => one.kind)));
    if (kind === null) {
      const remedy = 'give one of them another name, or bring both to one kind with `apply` or `cel`';
      conflicts.push(disagreement(path, 'is', sayings, remedy));
    }
    const first = must(sayings[0], 'a group is not empty');
    const several = opposed(sayings, ({ many }) => (many ? 'several values' : 'one value'));
    if (several !== null) {
      const sentence = `has ${several}: write it with \`set\` everywhere or nowhere, or give one of them another name`;
      conflicts.push({ path, sentence, declaredBy: subjectsOf(sayings) });
    }
    const fold = foldOf(path, sayings, conflicts);
    return {
      name,
      kind: kind ?? exposed(first.kind),
      many: fold === 'set' || sayings.some(({ many }) => many),
      fold,
      declaredBy: subjectsOf(sayings),
    };
  });
}

function foldOf(path: string, sayings: readonly PropertyDeclaration[], conflicts: Conflicts): Fold {
  const said = sayings.filter(({ fold }) => fold !== null);
  const list = opposed(said, ({ fold }) => `by \`${fold}\``);
  if (list !== null) {
    const sentence = `is folded ${list}: a property has one \`fold\`, which one of the mappings declares`;
    conflicts.push({ path, sentence, declaredBy: subjectsOf(said) });
  }
  return said[0]?.fold ?? 'last';
}

function commonKind(kinds: ReadonlySet<DeclaredKind>): PropertyKind | null {
  const [first, second] = [...kinds];
  if (first === undefined) return null;
  if (second === undefined) return exposed(first);
  if (kinds.size > 2 || !kinds.has('integer of 32 bits')) return null;
  if (kinds.has('integer of 64 bits')) return 'integer';
  return kinds.has('number') ? 'number' : null;
}

function exposed(kind: DeclaredKind): PropertyKind {
  return kind === 'integer of 32 bits' || kind === 'integer of 64 bits' ? 'integer' : kind;
}

function idKindOf(type: string, declared: readonly IdDeclaration[], conflicts: Conflicts): IdKind {
  const kinds = new Set(declared.map(({ kind }) => idKind(kind)));
  if (kinds.size > 1) {
    const remedy =
      'the ids of one node type have one form: name one of the node types otherwise, or make both ids text with `cel`';
    conflicts.push(disagreement(type, 'has as id', declared, remedy));
  }
  return idKind(must(declared[0], 'a group is not empty').kind);
}

function idKind(kind: DeclaredKind): IdKind {
  const shown = exposed(kind);
  return shown === 'integer' || shown === 'date' ? shown : 'text';
}

function endsOf(
  type: string,
  declared: readonly EndsDeclaration[],
  conflicts: Conflicts,
): readonly EdgeEnds[] {
  const remedy = 'name one of the two relationships otherwise, or correct the mapping that has it wrong';
  for (const [, sayings] of groups(declared, ({ from }) => from)) {
    if (new Set(sayings.map(({ to }) => to)).size > 1) conflicts.push(endsConflict(type, sayings, remedy));
  }
  for (const [, sayings] of groups(declared, ({ from, to }) => JSON.stringify([from, to].sort()))) {
    if (new Set(sayings.map(({ from }) => from)).size > 1)
      conflicts.push(endsConflict(type, sayings, remedy));
  }
  return [...groups(declared, ({ from, to }) => JSON.stringify([from, to]))].map(([, sayings]) => {
    const { from, to } = must(sayings[0], 'a group is not empty');
    return { from, to, declaredBy: subjectsOf(sayings) };
  });
}

function endsConflict(
  type: string,
  sayings: readonly EndsDeclaration[],
  remedy: string,
): GraphSchemaConflict {
  const pairs = groups(sayings, ({ from, to }) => `from ${from} to ${to}`);
  const list = [...pairs].map(([pair, sayers]) => `${pair} in ${few(subjectsOf(sayers))}`);
  return { path: type, sentence: `leads ${list.join(' and ')}: ${remedy}`, declaredBy: subjectsOf(sayings) };
}

function disagreement(
  path: string,
  verb: string,
  sayings: readonly (IdDeclaration | PropertyDeclaration)[],
  remedy: string,
): GraphSchemaConflict {
  const list = [...groups(sayings, ({ kind }) => kind)].map(
    ([kind, sayers]) => `${kind} in ${whoSays(sayers)}`,
  );
  return { path, sentence: `${verb} ${list.join(' and ')}: ${remedy}`, declaredBy: subjectsOf(sayings) };
}

/** Who and from what. */
function whoSays(sayings: readonly (IdDeclaration | PropertyDeclaration)[]): string {
  return few(sayings.map(({ subject, written }) => `${subject} (\`${written}\`)`));
}

/** A sentence names three; whoever says something else is among the first three of those who do. */
function few(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

function checkTypeNames(
  types: ReadonlyMap<string, readonly Declaration[]>,
  what: string,
  conflicts: Conflicts,
): void {
  checkCollisions(types, graphqlTypeName, '', what, conflicts);
  for (const [name, sayings] of types) {
    const renamed = graphqlTypeName(name);
    if (!reservedTypeNames.has(renamed) && !renamed.startsWith('__')) continue;
    const declaredBy = subjectsOf(sayings);
    const sentence = `is called \`${renamed}\` in GraphQL, a name that GraphQL or the API itself needs (declared in ${few(declaredBy)}): give the ${what} another name`;
    conflicts.push({ path: name, sentence, declaredBy });
  }
}

function checkCollisions(
  named: ReadonlyMap<string, readonly Declaration[]>,
  rename: (name: string) => string,
  prefix: string,
  what: string,
  conflicts: Conflicts,
): void {
  for (const [renamed, same] of groups([...named], ([name]) => rename(name))) {
    const [first, ...others] = same;
    if (first === undefined || others.length === 0) continue;
    const list = others.slice(0, 3).map(([name, sayings]) => `\`${name}\` (${few(subjectsOf(sayings))})`);
    const own = few(subjectsOf(first[1]));
    const sentence = `(${own}) and ${list.join(', ')} are both \`${renamed}\` in GraphQL: write the ${what} in one way, or give one another name`;
    const declaredBy = subjectsOf(same.flatMap(([, sayings]) => sayings));
    conflicts.push({ path: `${prefix}${first[0]}`, sentence, declaredBy });
  }
}

function tooLarge(declarations: GraphDeclarations): GraphSchemaConflict {
  const sentence = `would have ${declarations.size} declarations, and the limit is ${declarationsMax}: declare less, or give a part of the topics a process of its own`;
  return { path: 'graph', sentence, declaredBy: [] };
}

function subjectsOf(declared: readonly Declaration[]): readonly string[] {
  return [...new Set(declared.map(({ subject }) => subject))].sort(compare);
}

/** In the order of their keys. */
function groups<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  return new Map([...Map.groupBy(items, keyOf)].sort(([a], [b]) => compare(a, b)));
}

/** By code units, which is the same everywhere. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
