import { BadDataError } from '../foundation/index.ts';
import { AvroSchema } from './avro-type.ts';
import type { SchemaRegistry } from './registry.ts';
import { isObject } from './schema-text.ts';

/** What the rows of tables are, by topic. */
export type TableSchemas = ReadonlyMap<string, AvroSchema>;

export const noTables: TableSchemas = new Map();

/** More than a mapping may declare; what lies beyond is reported by the compiler. */
const lookupsSeenMax = 16;

/** The topics that a mapping's lookups name, before anything of it is checked. */
export function lookupTopics(graph: unknown): readonly string[] {
  const lookups: readonly unknown[] = isObject(graph) && Array.isArray(graph.lookups) ? graph.lookups : [];
  const topics = lookups.slice(0, lookupsSeenMax).flatMap((lookup) => {
    const topic = isObject(lookup) ? lookup.topic : null;
    return typeof topic === 'string' && topic !== '' ? [topic] : [];
  });
  return [...new Set(topics)];
}

/** The subject of a topic's rows. */
export function tableSubjectOf(topic: string): string {
  return `${topic}-value`;
}

/**
 * The newest schema of each table. A topic whose subject does not exist, or is no Avro, is left out: the compiler says so. Throws `OutageError`
 * and `StopError` as the registry does.
 */
export async function findTables(
  registry: Pick<SchemaRegistry, 'latest'>,
  topics: readonly string[],
  signal?: AbortSignal,
): Promise<TableSchemas> {
  const tables = new Map<string, AvroSchema>();
  for (const topic of topics) {
    try {
      const latest = await registry.latest(tableSubjectOf(topic), signal);
      if (latest !== null) tables.set(topic, new AvroSchema(latest.schema.text));
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
    }
  }
  return tables;
}
