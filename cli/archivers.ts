import { ArchivedSchemas, randomIds } from '../archive/index.ts';
import { readArchiveRetention, type Settings } from '../config/index.ts';
import { type Log, must } from '../foundation/index.ts';
import { type ArchiverLimits, type ArchiverParts, EventSchemas, TopicTable } from '../ingest/index.ts';
import type { SchemaRegistry } from '../schemas/index.ts';
import type { CommandIo } from './command-io.ts';
import type { Events } from './events.ts';
import type { Archive } from './open-archive.ts';
import { wireLimitsOf } from './pipeline-parts.ts';

/** What archivers of a process share. */
export interface ArchiverSurroundings {
  readonly archive: Archive;
  readonly events: Events;
  readonly registry: SchemaRegistry;
}

/** Those that the settings name, or all that are read. */
export function archivedTopics(settings: Settings, events: Pick<Events, 'topics'>): readonly string[] {
  const named = settings['archive.topics'];
  return named.length > 0 ? [...new Set(named)] : events.topics;
}

/** What an archiver of a topic is made of. */
export function archiverParts(
  topic: string,
  settings: Settings,
  { archive, events, registry }: ArchiverSurroundings,
  io: CommandIo,
  log: Log,
): ArchiverParts {
  const { clock, random } = io;
  const { store, catalog, isInFiles } = archive;
  const named = archive.table(topic);
  const newUuid = randomIds.uuid;
  const table = new TopicTable({ ...named, store, catalog, isInFiles, newUuid, clock });
  const archived = new ArchivedSchemas(store, named.folder);
  const schemas = new EventSchemas(
    { table, archived, registry, clock },
    {
      columnsMax: settings['archive.columns'] ? settings['archive.columns.max'] : 0,
      wireLimits: wireLimitsOf(settings),
      schemasMax: settings['schema.cache.entries.max'],
      negativeMs: settings['schema.negative.ttl.ms'],
    },
  );
  return { source: events.archiveSource(topic), table, schemas, clock, random, log, newUuid };
}

/** `topics`: how many share the memory. */
export function archiverLimits(settings: Settings, topics: number): ArchiverLimits {
  return {
    commitMs: settings['archive.commit.ms'],
    commitBytesMax: settings['archive.commit.bytes'],
    rowGroupRows: settings['archive.row.group.rows'],
    bufferBytesMax: Math.ceil(settings['archive.buffer.bytes'] / Math.max(1, topics)),
    openFilesMax: settings['archive.open.files.max'],
    onGap: settings['gap.policy'],
    retry: { baseMs: settings['retry.backoff.ms'], maxMs: settings['retry.backoff.max.ms'] },
  };
}

/** How long the topic's rows stay in the archive; null: for ever. */
export function archiveRetentionMs(settings: Settings, topic: string): number | null {
  const byTopic = must(readArchiveRetention(settings['archive.retention']), 'the settings were checked');
  return byTopic.get(topic) ?? byTopic.get('*') ?? null;
}
