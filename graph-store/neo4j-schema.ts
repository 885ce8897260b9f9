import { StopError } from '../foundation/index.ts';
import type { Neo4jConnection } from './neo4j-connection.ts';
import { edgePlace, type Neo4jKeys, quoted } from './neo4j-keys.ts';
import { integerOf, listOf, textOf } from './neo4j-values.ts';
import { rowFormat } from './rows.ts';

/** Of what is kept in Neo4j. Occurrences have keys of `rows.ts`, so its version is part of ours. */
export const neo4jFormat = `1/${rowFormat}`;

/** Each has its key in `jgKey`, unique. */
export const label = {
  node: 'JgNode',
  step: 'JgStep',
  edgeTombstone: 'JgEdgeTombstone',
  position: 'JgPosition',
  origin: 'JgOrigin',
  store: 'JgStore',
} as const;

/** The first with unique relationship properties in its Community edition. */
const versionMin = { major: 5, minor: 7 } as const;

/** Throws StopError STORE_SERVER_UNSUPPORTED unless the server is a Neo4j that has what is needed. */
export function checkServer(agent: string | null, uri: string): void {
  const [, major, minor] = /^Neo4j\/(\d+)\.(\d+)/.exec(agent ?? '') ?? [];
  const isOther = agent !== null && !/^Neo4j\/[\d.]+\S*$/.test(agent);
  const number = { major: Number(major), minor: Number(minor) };
  const isNew =
    number.major > versionMin.major ||
    (number.major === versionMin.major && number.minor >= versionMin.minor);
  if (isNew && !isOther) return;
  throw new StopError(
    'STORE_SERVER_UNSUPPORTED',
    `At ${uri} is ${agent === null ? 'a server that does not say what it is' : `"${agent.slice(0, 100)}"`}; the store needs Neo4j ${versionMin.major}.${versionMin.minor} or later.`,
  );
}

/** Constraints and indexes: looked for first, so that a user who may not create any can use a database that has them. */
export class Neo4jSchema {
  readonly #connection: Neo4jConnection;
  #indexes: readonly FoundIndex[];

  private constructor(connection: Neo4jConnection, indexes: readonly FoundIndex[]) {
    this.#connection = connection;
    this.#indexes = indexes;
  }

  /** Throws StopError STORE_FORBIDDEN or STORE_SCHEMA_REFUSED when something lacks and may not be created, or is not what its name says. */
  static async open(connection: Neo4jConnection): Promise<Neo4jSchema> {
    const schema = new Neo4jSchema(connection, await readIndexes(connection));
    for (const [what, name] of Object.entries(label)) {
      await schema.#ensure({ name: `jg_${what}`, unique: true, entity: 'NODE', of: name, property: 'jgKey' });
    }
    return schema;
  }

  /** Before the first edge of a type is written. */
  async ensureEdges(type: string): Promise<void> {
    const { relation } = edgePlace(type);
    const place = { entity: 'RELATIONSHIP', of: relation } as const;
    await this.#ensure({ name: `jg_out_${relation}`, unique: true, ...place, property: 'jgOut' });
    await this.#ensure({ name: `jg_in_${relation}`, unique: false, ...place, property: 'jgIn' });
  }

  /**
   * What does not fit is created all the same before it is refused: a constraint that somebody else is making has its index first, and creating waits for
   * it. Looked at again afterwards, for `IF NOT EXISTS` takes anything of the name for what was asked.
   */
  async #ensure(wanted: WantedIndex): Promise<void> {
    if (this.#has(wanted)) return;
    let failure: StopError | null = null;
    try {
      await this.#connection.change(statementFor(wanted));
    } catch (error) {
      if (!(error instanceof StopError)) throw error;
      failure = error;
    }
    this.#indexes = await readIndexes(this.#connection);
    if (this.#has(wanted)) return;
    const found = this.#indexes.find((index) => isInTheWay(index, wanted));
    if (found === undefined && failure !== null) throw failure;
    throw refusal(wanted, found ?? null, this.#connection.settings.uri, failure);
  }

  #has(wanted: WantedIndex): boolean {
    return this.#indexes.some((index) => fits(index, wanted));
  }
}

interface WantedIndex {
  readonly name: string;
  /** By a constraint that owns it. */
  readonly unique: boolean;
  readonly entity: 'NODE' | 'RELATIONSHIP';
  /** A label, or a relationship type. */
  readonly of: string;
  readonly property: string;
}

interface FoundIndex {
  readonly name: string;
  readonly state: string;
  readonly type: string;
  readonly entity: string;
  readonly of: readonly string[];
  readonly properties: readonly string[];
  /** Of the constraint that owns it: all that own an index are unique. */
  readonly constraint: string | null;
}

async function readIndexes(connection: Neo4jConnection): Promise<readonly FoundIndex[]> {
  const rows = await connection.read((queries) =>
    queries.run(
      `SHOW INDEXES YIELD name, state, type, entityType, labelsOrTypes, properties, owningConstraint
       WHERE name STARTS WITH 'jg_' OR any(property IN properties WHERE property STARTS WITH 'jg')
       RETURN name, state, type, entityType, labelsOrTypes, properties, owningConstraint`,
    ),
  );
  return rows.map((row) => ({
    name: textOf(row.get(0)),
    state: textOf(row.get(1)),
    type: textOf(row.get(2)),
    entity: textOf(row.get(3)),
    // An index of all labels has neither.
    of: listOf(row.get(4) ?? []).map(textOf),
    properties: listOf(row.get(5) ?? []).map(textOf),
    constraint: row.get(6) === null ? null : textOf(row.get(6)),
  }));
}

/** Whatever it is called: what it makes sure of counts. Only a range index gives keys in order. */
function fits(found: FoundIndex, wanted: WantedIndex): boolean {
  const isSound = found.state !== 'FAILED' && found.type === 'RANGE';
  return isSound && isAtPlace(found, wanted) && (!wanted.unique || found.constraint !== null);
}

function isAtPlace({ entity, of, properties }: FoundIndex, wanted: WantedIndex): boolean {
  const isOne = of.length === 1 && properties.length === 1;
  return isOne && entity === wanted.entity && of[0] === wanted.of && properties[0] === wanted.property;
}

/** Of other types there may be any number beside it. */
function isInTheWay(found: FoundIndex, wanted: WantedIndex): boolean {
  return found.name === wanted.name || (found.type === 'RANGE' && isAtPlace(found, wanted));
}

function patternOf({ entity, of }: WantedIndex): string {
  return entity === 'NODE' ? `(e:${quoted(of)})` : `()-[e:${quoted(of)}]-()`;
}

function statementFor(wanted: WantedIndex): string {
  const { name, property } = wanted;
  return wanted.unique
    ? `CREATE CONSTRAINT ${quoted(name)} IF NOT EXISTS FOR ${patternOf(wanted)} REQUIRE e.${property} IS UNIQUE`
    : `CREATE INDEX ${quoted(name)} IF NOT EXISTS FOR ${patternOf(wanted)} ON (e.${property})`;
}

/** `failure` is what creating it came to; null where the server said that it had. */
function refusal(
  wanted: WantedIndex,
  found: FoundIndex | null,
  uri: string,
  failure: StopError | null,
): StopError {
  const kind = wanted.unique ? 'unique constraint' : 'range index';
  const needs = `the store needs ${placeText(wanted.entity, [wanted.of], [wanted.property])} to have a ${kind} (\`${wanted.name}\`)`;
  // Names of others' indexes may be anything; they stand in a sentence here and in no query.
  const stands =
    found === null
      ? `a constraint of another kind has that name; drop it: DROP CONSTRAINT \`${wanted.name}\``
      : `${textOfIndex(found)} stands in its way; drop it: DROP ${found.constraint === null ? `INDEX \`${found.name}\`` : `CONSTRAINT \`${found.constraint}\``}`;
  const options = failure === null ? {} : { cause: failure };
  return new StopError(
    'STORE_SCHEMA_REFUSED',
    `At ${uri} ${needs}, but ${stands}, and start again.`,
    options,
  );
}

function textOfIndex({ name, state, type, entity, of, properties, constraint }: FoundIndex): string {
  const unique = constraint === null ? 'not unique' : 'unique';
  const failed = state === 'FAILED' ? ', failed' : '';
  return `the index \`${name}\` (${type}, on ${placeText(entity, of, properties)}, ${unique}${failed})`;
}

function placeText(entity: string, of: readonly string[], properties: readonly string[]): string {
  const names = of.join('|');
  return `${entity === 'NODE' ? `(:${names})` : `[:${names}]`}.${properties.join(', ')}`;
}

/** What the graph's own row says of it: `JgStore`, one a namespace. */
export interface StoreRow {
  readonly timeToLive: string | null;
  /** Null unless it is being restored, or was and did not come to the end. */
  readonly restoring: RestoringGraph | null;
}

export interface RestoringGraph {
  /** Of what is being restored; null where it cannot go on. */
  readonly id: string | null;
  /** So many of its rows are there. */
  readonly rows: number;
}

/** What a query for `restoringColumns` of the graph's row found. */
export const restoringColumns = 's.restoring, s.restoringId, s.restoringRows';

export function restoringOf(restoring: unknown, id: unknown, rows: unknown): RestoringGraph | null {
  if (restoring !== true) return null;
  return { id: typeof id === 'string' ? id : null, rows: rows === null ? 0 : integerOf(rows) };
}

/** Makes the graph's row when there is none. Throws StopError STORE_FORMAT for one of another version. */
export async function openStoreRow(connection: Neo4jConnection, keys: Neo4jKeys): Promise<StoreRow> {
  const found = await connection.write(async (queries) => {
    const [row] = await queries.run(
      `MERGE (s:JgStore {jgKey: $key}) ON CREATE SET s.format = $format, s.edgeTypes = []
       RETURN s.format, s.timeToLive, ${restoringColumns}`,
      { key: keys.store, format: neo4jFormat },
    );
    const restoring = restoringOf(row?.get(2), row?.get(3), row?.get(4));
    return { format: textOf(row?.get(0)), timeToLive: row?.get(1) ?? null, restoring };
  });
  const { namespace, uri } = connection.settings;
  if (found.format !== neo4jFormat) {
    throw new StopError(
      'STORE_FORMAT',
      `The graph in namespace "${namespace}" at ${uri} has format ${found.format} and this version writes ${neo4jFormat}; take another \`neo4j.namespace\` and read the topics again, or the version that wrote it.`,
    );
  }
  return {
    timeToLive: found.timeToLive === null ? null : textOf(found.timeToLive),
    restoring: found.restoring,
  };
}

/** The edge types that this graph ever had: what a look at all edges of a node goes through. Bounded by the graph schema. */
export const edgeTypesQuery = 'MATCH (s:JgStore {jgKey: $key}) RETURN s.edgeTypes';

export function edgeTypesOf(value: unknown): string[] {
  return listOf(value).map(textOf);
}
