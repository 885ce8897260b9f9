import { must } from '../../foundation/index.ts';

/** Of one table, from what the database says of itself. */
export interface TableStatistics {
  readonly table: string;
  /** On disk, compressed. */
  readonly liveBytes: number;
  /** Of the largest partition: the upper end of the database's own bucket, which is up to a fifth more than it has. Before compression. */
  readonly partitionBytesMax: number;
  readonly partitionCellsMax: number;
}

interface Nodetool {
  nodetool(...words: readonly string[]): Promise<string>;
}

/**
 * Of all tables of a keyspace, after all of it was written to disk and put together: the database tells of the partitions in each of its files, and one that is in several
 * would be told of in parts.
 */
export async function statisticsOf(node: Nodetool, keyspace: string): Promise<readonly TableStatistics[]> {
  await node.nodetool('flush', keyspace);
  await node.nodetool('compact', keyspace);
  const [stats, histograms] = await Promise.all([
    node.nodetool('tablestats', '-F', 'json', keyspace),
    node.nodetool('tablehistograms'),
  ]);
  return tableStatistics(keyspace, stats, histograms);
}

export function tableStatistics(
  keyspace: string,
  tablestats: string,
  tablehistograms: string,
): readonly TableStatistics[] {
  const parsed: Record<string, unknown> = JSON.parse(tablestats);
  const tables = record(record(parsed[keyspace]).tables);
  const histograms = largestPartitions(keyspace, tablehistograms);
  return Object.entries(tables).map(([table, said]) => {
    const { bytes, cells } = must(histograms.get(table), `nodetool has histograms of ${keyspace}.${table}`);
    const liveBytes = Number(record(said).space_used_live);
    const largest = Number(record(said).compacted_partition_maximum_bytes);
    return { table, liveBytes, partitionBytesMax: Math.max(bytes, largest), partitionCellsMax: cells };
  });
}

/** `Max` of the last two columns, partition size and cell count, by table; empty tables say NaN. */
function largestPartitions(
  keyspace: string,
  tablehistograms: string,
): ReadonlyMap<string, { readonly bytes: number; readonly cells: number }> {
  const found = new Map<string, { bytes: number; cells: number }>();
  let table: string | null = null;
  for (const line of tablehistograms.split('\n')) {
    const heading = /^(\w+)\/(\w+) histograms/.exec(line);
    if (heading !== null) table = heading[1] === keyspace ? (heading[2] ?? null) : null;
    if (table === null || !line.startsWith('Max')) continue;
    const columns = line.trim().split(/\s+/);
    const [bytes = 0, cells = 0] = columns.slice(-2).map((text) => Number(text) || 0);
    found.set(table, { bytes, cells });
  }
  return found;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new TypeError('nodetool answered something else');
  return Object.fromEntries(Object.entries(value));
}
