import { type Clock, OutageError, RefusedError, StopError } from '../foundation/index.ts';
import type { CassandraConnection } from './cassandra-connection.ts';
import type { NodeBehind } from './cassandra-coordination.ts';
import { isUnknownTable } from './cassandra-failure.ts';
import { metaDefinition, metaTable, tableDefinitions, tableNames } from './cassandra-tables.ts';
import { mapOfText, textOf } from './cassandra-values.ts';
import { rowFormat } from './rows.ts';

/** Of what is kept in Cassandra. Rows have keys and values of `rows.ts`, so its version is part of ours. */
export const cassandraFormat = `1/${rowFormat}`;

const keyspacePattern = /^[a-z][a-z0-9_]{0,47}$/;
const majorMin = 4;
/** Another process may be making the tables: so long it is waited for. A first table that cannot be read though all nodes agree is an outage after `failedMax`. */
const waits = { ms: 1_000, max: 120, failedMax: 10 } as const;
/** The driver waits ten seconds for the other nodes after each definition, and goes on whether they have heard of it or not: so long we wait beyond that. */
const agreement = { ms: 100, max: 600 } as const;

/** What of a connection the schema takes. */
export type SchemaConnection = Pick<
  CassandraConnection,
  | 'settings'
  | 'where'
  | 'table'
  | 'nodeVersions'
  | 'nodesInDataCenter'
  | 'learnCopies'
  | 'mark'
  | 'rows'
  | 'conditionally'
  | 'define'
  | 'nodesBehind'
>;

/** Throws RefusedError KEYSPACE_INVALID; keyspaces stand in the text of queries. */
export function checkKeyspace(keyspace: string): void {
  if (keyspacePattern.test(keyspace)) return;
  throw new RefusedError(
    'KEYSPACE_INVALID',
    'A keyspace takes 1 to 48 lower-case letters, digits and `_`, and begins with a letter; correct `cassandra.keyspace`.',
  );
}

/**
 * Makes keyspace and tables where they are not, and looks whether those that are there are whole. Answers what an operator should hear of.
 *
 * @throws StopError STORE_SERVER_UNSUPPORTED, STORE_SCHEMA_REFUSED, STORE_FORBIDDEN, STORE_FORMAT, STORE_SCHEMA_INCOMPLETE or
 *   STORE_DATABASE_UNUSABLE; OutageError STORE_OPEN_FAILED or STORE_SCHEMA_DISAGREED.
 */
export async function openSchema(connection: SchemaConnection, clock: Clock): Promise<readonly string[]> {
  checkVersions(connection);
  await ensureKeyspace(connection);
  if (!(await tablesOf(connection)).has(metaTable)) {
    await connection.define(metaDefinition(connection.settings.keyspace));
  }
  const mark = connection.mark();
  const making = new Making(connection);
  for (let waited = 0; ; waited += 1) {
    const state = await making.look();
    if (state !== null && state.format !== null) {
      checkFormat(connection, state.format);
      break;
    }
    const isOurs = state?.migration === mark;
    if (isOurs || (state?.migration === null && (await beginMigration(connection, clock, mark)))) {
      await makeTables(connection, clock, mark);
      break;
    }
    if (waited >= waits.max) throw await unfinished(connection);
    await clock.sleep(waits.ms);
  }
  await checkTables(connection);
  return await replicationWarnings(connection);
}

function checkVersions(connection: SchemaConnection): void {
  const old = connection.nodeVersions().find((version) => !(Number.parseInt(version, 10) >= majorMin));
  if (old === undefined) return;
  throw new StopError(
    'STORE_SERVER_UNSUPPORTED',
    `A node at ${connection.where} calls itself version ${old.slice(0, 40)}; the store needs Cassandra ${majorMin}.0 or later.`,
  );
}

async function ensureKeyspace(connection: SchemaConnection): Promise<void> {
  const { keyspace, dataCenter, replication } = connection.settings;
  if ((await replicationOf(connection)) !== null) return;
  const copies = `{'class': 'NetworkTopologyStrategy', '${dataCenter.replaceAll("'", "''")}': ${replication}}`;
  await connection.define(`CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = ${copies}`);
}

async function replicationOf(connection: SchemaConnection): Promise<ReadonlyMap<string, string> | null> {
  const [row] = await connection.rows(
    'SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?',
    [connection.settings.keyspace],
  );
  return row === undefined ? null : mapOfText(row[0]);
}

async function tablesOf(connection: SchemaConnection): Promise<ReadonlySet<string>> {
  const rows = await connection.rows('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [
    connection.settings.keyspace,
  ]);
  return new Set(rows.map((row) => textOf(row[0])));
}

interface MakingState {
  readonly format: string | null;
  readonly migration: string | null;
}

/** How far somebody has come with the tables. */
class Making {
  readonly #connection: SchemaConnection;
  #failures = 0;

  constructor(connection: SchemaConnection) {
    this.#connection = connection;
  }

  /**
   * Null while a node has not heard of the first table: the one that is asked, or one that it asks. Who finds that table and did not make it waited for nobody, and its read fails at each of
   * them. The node that is just making it fails as well, and is at the schema that the others have until it is done: so a failure is none of the schema's when some looks came to the same.
   */
  async look(): Promise<MakingState | null> {
    try {
      return await readState(this.#connection);
    } catch (error) {
      if (isUnknownTable(error)) return null;
      if (!(error instanceof OutageError)) throw error;
      const isAgreed = (await this.#connection.nodesBehind()).length === 0;
      this.#failures = isAgreed ? this.#failures + 1 : 0;
      if (this.#failures > waits.failedMax) throw error;
      return null;
    }
  }
}

async function readState(connection: SchemaConnection): Promise<MakingState> {
  const rows = await connection.rows(
    `SELECT name, value FROM ${connection.table(metaTable)} WHERE part = 'graph' AND name IN ('format', 'migration')`,
  );
  const values = new Map(rows.map((row) => [textOf(row[0]), textOf(row[1])]));
  return { format: values.get('format') ?? null, migration: values.get('migration') ?? null };
}

/**
 * Of several processes one makes the tables, which its mark tells where its answer was lost. False as well while the node that is asked has not heard of the table, which another one knew.
 *
 * Two data centers, each of which has a node that makes tables, may have made two tables of this name. Once all nodes agree one is left and no node makes another, so a mark from then on is the only one.
 */
async function beginMigration(connection: SchemaConnection, clock: Clock, mark: string): Promise<boolean> {
  // Behind whatever that node is making just now, and by it if it has not heard of it: its version is one that has the table.
  await connection.define(metaDefinition(connection.settings.keyspace));
  await untilAgreed(connection, clock);
  try {
    return await connection.conditionally(
      `INSERT INTO ${connection.table(metaTable)} (part, name, value, version) VALUES ('graph', 'migration', ?, 1) IF NOT EXISTS`,
      [mark],
    );
  } catch (error) {
    if (isUnknownTable(error)) return false;
    throw error;
  }
}

async function makeTables(connection: SchemaConnection, clock: Clock, mark: string): Promise<void> {
  for (const definition of tableDefinitions(connection.settings)) await connection.define(definition);
  const meta = connection.table(metaTable);
  try {
    await untilAgreed(connection, clock);
  } catch (error) {
    // The next start goes on where this one stopped; another process' mark stays.
    await connection.conditionally(
      `DELETE FROM ${meta} WHERE part = 'graph' AND name = 'migration' IF value = ?`,
      [mark],
    );
    throw error;
  }
  // Last: what has a format is whole, at every node.
  await connection.conditionally(
    `INSERT INTO ${meta} (part, name, value, version) VALUES ('graph', 'format', ?, 1) IF NOT EXISTS`,
    [cassandraFormat],
  );
  await connection.conditionally(
    `DELETE FROM ${meta} WHERE part = 'graph' AND name = 'migration' IF EXISTS`,
    [],
  );
}

async function untilAgreed(connection: SchemaConnection, clock: Clock): Promise<void> {
  for (let waited = 0; ; waited += 1) {
    const behind = await connection.nodesBehind();
    if (behind.length === 0) return;
    if (waited >= agreement.max) throw disagreed(connection, behind);
    await clock.sleep(agreement.ms);
  }
}

function disagreed({ settings }: SchemaConnection, behind: readonly NodeBehind[]): OutageError {
  const isElsewhere = ({ dataCenter }: NodeBehind): boolean => dataCenter !== settings.dataCenter;
  const some = behind
    .slice(0, 5)
    .map((node) => (isElsewhere(node) ? `${node.address} of ${node.dataCenter}` : node.address))
    .join(', ');
  const elsewhere = behind.some(isElsewhere)
    ? ' A node of another data center that was down before this start is waited for as well: a new graph is made when it is back, or removed from the cluster.'
    : '';
  return new OutageError(
    'STORE_SCHEMA_DISAGREED',
    `The tables of keyspace ${settings.keyspace} are not known to all nodes of the cluster (${some}${behind.length > 5 ? ' and others' : ''}); look at \`nodetool describecluster\` and \`nodetool status\`, and start again when all nodes are up and have one schema version.${elsewhere}`,
  );
}

async function unfinished(connection: SchemaConnection): Promise<OutageError | StopError> {
  const behind = await connection.nodesBehind();
  return behind.length > 0 ? disagreed(connection, behind) : incomplete(connection);
}

function incomplete(connection: SchemaConnection): StopError {
  const { keyspace } = connection.settings;
  return new StopError(
    'STORE_SCHEMA_INCOMPLETE',
    `Somebody began to make the tables of keyspace ${keyspace} and has not come to the end; when no other process is at it, run \`DELETE FROM ${keyspace}.${metaTable} WHERE part = 'graph' AND name = 'migration'\` and start again, which goes on where it stopped.`,
  );
}

function checkFormat(connection: SchemaConnection, format: string): void {
  if (format === cassandraFormat) return;
  throw new StopError(
    'STORE_FORMAT',
    `The graph in keyspace ${connection.settings.keyspace} has format ${format} and this version writes ${cassandraFormat}; take another \`cassandra.keyspace\` and read the topics again, or the version that wrote it.`,
  );
}

async function checkTables(connection: SchemaConnection): Promise<void> {
  const present = await tablesOf(connection);
  const missing = tableNames.filter((name) => !present.has(name));
  if (missing.length === 0) return;
  throw new StopError(
    'STORE_SCHEMA_INCOMPLETE',
    `Keyspace ${connection.settings.keyspace} lacks ${missing.join(', ')}, which it had: restore it from a backup, or take another \`cassandra.keyspace\` and read the topics again.`,
  );
}

async function replicationWarnings(connection: SchemaConnection): Promise<readonly string[]> {
  const { keyspace, dataCenter } = connection.settings;
  const replication = await replicationOf(connection);
  const copies = Number(replication?.get(dataCenter) ?? replication?.get('replication_factor') ?? 0);
  if (copies === 0) {
    throw new StopError(
      'STORE_DATABASE_UNUSABLE',
      `Keyspace ${keyspace} has no copies in data center ${dataCenter}; correct \`cassandra.datacenter\`, or ALTER KEYSPACE.`,
    );
  }
  connection.learnCopies(copies);
  const warnings: string[] = [];
  if (copies < 3) {
    warnings.push(
      `Keyspace ${keyspace} has ${copies === 1 ? 'one copy' : `${copies} copies`} of each row in ${dataCenter}: one node away stops reading and writing, and one disk lost ${copies === 1 ? 'loses data' : 'leaves one copy'}; for anything but a trial, ALTER KEYSPACE to 3 and run nodetool repair.`,
    );
  }
  if (connection.nodesInDataCenter() < copies) {
    warnings.push(
      `Keyspace ${keyspace} wants ${copies} copies and data center ${dataCenter} has ${connection.nodesInDataCenter()} nodes: writes will be refused when a quorum of them cannot be had.`,
    );
  }
  return warnings;
}
