import type { CassandraSettings, Compaction } from './cassandra-settings.ts';

/** The tables in which rows lie by side, bucket and key. */
export const sideTables = { steps: 'steps', out: 'edges_out', in: 'edges_in' } as const;
export type SideTable = (typeof sideTables)[keyof typeof sideTables];

export const tableNames = [
  'nodes',
  'steps',
  'edges_out',
  'edges_in',
  'edge_tombstones',
  'buckets',
  'marks',
  'positions',
  'claims',
  'origins',
] as const;

/** Made first, for it says how far making the others has come. */
export const metaTable = 'meta';

const compactions: Readonly<Record<Compaction, string>> = {
  unified: "{'class': 'UnifiedCompactionStrategy'}",
  leveled: "{'class': 'LeveledCompactionStrategy'}",
  'size-tiered': "{'class': 'SizeTieredCompactionStrategy'}",
  'time-window':
    "{'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': '7'}",
};

export function metaDefinition(keyspace: string): string {
  return `CREATE TABLE IF NOT EXISTS ${keyspace}.${metaTable} (part text, name text, value text, version int, PRIMARY KEY (part, name))`;
}

/**
 * What the graph is kept in. Keys and values are the bytes of `rows.ts`: a side and a key together are the key of a row there.
 *
 *     nodes            registers as cells of a map (see cassandra-cells.ts), newest mention, tombstone
 *     steps, edges_…   side, bucket (see cassandra-buckets.ts), key: event key and what follows it
 *     edge_tombstones  by the whole key of their row
 *     buckets, marks   which buckets a side has, how full they are, and from what that is known
 *     claims           the epoch of a Kafka partition: changed by lightweight transactions alone
 *     positions        how far each epoch came: written by its owner alone
 */
export function tableDefinitions({ keyspace, tables }: CassandraSettings): readonly string[] {
  const { gcGraceSeconds, nodeCompaction, edgeCompaction, stepCompaction, edgeTtlSeconds, stepTtlSeconds } =
    tables;
  const options = (compaction: Compaction, ttlSeconds = 0): string =>
    `compaction = ${compactions[compaction]} AND gc_grace_seconds = ${gcGraceSeconds} AND default_time_to_live = ${ttlSeconds}`;
  const sides = (name: SideTable, compaction: Compaction, ttlSeconds: number): string =>
    `CREATE TABLE IF NOT EXISTS ${keyspace}.${name} (side blob, bucket blob, key blob, value blob, split boolean static, PRIMARY KEY ((side, bucket), key)) WITH ${options(compaction, ttlSeconds)}`;
  const plain = (name: string, columns: string): string =>
    `CREATE TABLE IF NOT EXISTS ${keyspace}.${name} (${columns}) WITH ${options(nodeCompaction)}`;
  return [
    plain(
      'nodes',
      'node blob, life int, mentioned bigint, lineage blob, deleted bigint, registers map<blob, blob>, PRIMARY KEY (node, life)',
    ),
    sides(sideTables.steps, stepCompaction, stepTtlSeconds),
    sides(sideTables.out, edgeCompaction, edgeTtlSeconds),
    sides(sideTables.in, edgeCompaction, edgeTtlSeconds),
    plain('edge_tombstones', 'edge blob, life int, time bigint, PRIMARY KEY (edge, life)'),
    plain('buckets', 'side blob, bucket blob, split boolean, rows bigint, PRIMARY KEY (side, bucket)'),
    plain('marks', 'side blob, bucket blob, mark int, rows int, PRIMARY KEY ((side, bucket), mark)'),
    plain(
      'positions',
      'source text, epoch int, position text, nodes blob, edges blob, PRIMARY KEY (source, epoch)',
    ),
    plain('claims', 'source text PRIMARY KEY, epoch int'),
    plain('origins', 'part text, id int, origin text, PRIMARY KEY (part, id)'),
  ];
}
