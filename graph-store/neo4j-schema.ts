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
  readonly #present: Set<string>;

  private constructor(connection: Neo4jConnection, present: Set<string>) {
    this.#connection = connection;
    this.#present = present;
  }

  /** Throws StopError STORE_FORBIDDEN or STORE_SCHEMA_REFUSED when something lacks and may not be created. */
  static async open(connection: Neo4jConnection): Promise<Neo4jSchema> {
    const present = await connection.read(async (queries) => {
      const indexes = await queries.run(
        `SHOW INDEXES YIELD name, state, type WHERE name STARTS WITH 'jg_' AND state <> 'FAILED' RETURN name`,
      );
      return new Set(indexes.map((row) => textOf(row.get(0))));
    });
    const schema = new Neo4jSchema(connection, present);
    for (const [what, name] of Object.entries(label)) {
      await schema.#ensure(`jg_${what}`, constraintOn(`jg_${what}`, `(e:${name})`, 'jgKey'));
    }
    return schema;
  }

  /** Before the first edge of a type is written. */
  async ensureEdges(type: string): Promise<void> {
    const { relation } = edgePlace(type);
    const pattern = `()-[e:${quoted(relation)}]-()`;
    await this.#ensure(`jg_out_${relation}`, constraintOn(`jg_out_${relation}`, pattern, 'jgOut'));
    await this.#ensure(
      `jg_in_${relation}`,
      `CREATE INDEX ${quoted(`jg_in_${relation}`)} IF NOT EXISTS FOR ${pattern} ON (e.jgIn)`,
    );
  }

  /** A constraint is known by the index of its name that it owns. */
  async #ensure(name: string, query: string): Promise<void> {
    if (this.#present.has(name)) return;
    await this.#connection.change(query);
    this.#present.add(name);
  }
}

function constraintOn(name: string, pattern: string, property: string): string {
  return `CREATE CONSTRAINT ${quoted(name)} IF NOT EXISTS FOR ${pattern} REQUIRE e.${property} IS UNIQUE`;
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
