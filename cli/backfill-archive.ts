import {
  type ArchiveReader,
  ArrowReader,
  ContainerReader,
  type ObjectStore,
  type TableVersion,
} from '../archive/index.ts';
import type { Settings } from '../config/index.ts';
import { JourneyGraphError, OutageError, RefusedError, unreachable } from '../foundation/index.ts';
import {
  type ArchivePlaceRequest,
  type OpenedArchive,
  type Outcome,
  type RecordProcessor,
  ReplaySchemas,
  type SourceRecord,
} from '../ingest/index.ts';
import type { AvroSchema, SchemaRegistry } from '../schemas/index.ts';
import { readAddress } from './backfill-archive-address.ts';
import { explainedBy } from './backfill-coverage.ts';
import { openIcebergTable } from './backfill-iceberg.ts';
import { openStoreAt } from './backfill-store.ts';
import type { CommandIo } from './command-io.ts';

export interface ArchiveParts {
  readonly settings: Settings;
  readonly registry: SchemaRegistry;
  /** One of its own, that knows these schemas. */
  processor(schemas: SchemaRegistry): Promise<RecordProcessor>;
  readonly io: CommandIo;
}

/** Of files that are no table: they are one topic, whatever it was called and how often it was made. */
const filesTopicId = 'files';

/** What a request or a plan names, for one replay. */
export async function openReplayArchive(
  parts: ArchiveParts,
  request: ArchivePlaceRequest,
  signal: AbortSignal,
): Promise<OpenedArchive> {
  const address = readAddress(request.archive);
  if (address.format === 'iceberg') return await openIceberg(parts, request, address.path, signal);
  if (address.path === null)
    throw new RefusedError(
      'BACKFILL_PATH_INVALID',
      `Name with --path where the ${address.format} files are.`,
    );
  const { archive, key } = openStoreAt(address.path, parts.settings, parts.io);
  try {
    return await openFiles(parts, request, { archive, key, format: address.format }, signal);
  } catch (error) {
    archive.close();
    throw error;
  }
}

interface FilesPlace {
  readonly archive: ReturnType<typeof openStoreAt>['archive'];
  readonly key: string;
  readonly format: 'avro' | 'arrow';
}

async function openFiles(
  parts: ArchiveParts,
  request: ArchivePlaceRequest,
  { archive, key, format }: FilesPlace,
  signal: AbortSignal,
): Promise<OpenedArchive> {
  const { store } = archive;
  const prefix = await prefixOf(store, key, signal);
  const schemas = new ReplaySchemas(parts.registry, null);
  const processor = await parts.processor(schemas);
  const reader: ArchiveReader =
    format === 'arrow'
      ? new ArrowReader({ store, prefix, topicId: filesTopicId })
      : containerReader(store, prefix, { request, schemas, processor });
  return {
    ...{ reader, objects: store, snapshotId: null, isExplained: null, processor },
    close: async () => {
      await schemas.close();
      archive.close();
    },
  };
}

async function openIceberg(
  { settings, registry, processor, io }: ArchiveParts,
  { topic, snapshotId }: ArchivePlaceRequest,
  path: string | null,
  signal: AbortSignal,
): Promise<OpenedArchive> {
  const table = openIcebergTable(settings, topic, path, io);
  try {
    const version = await table.load(signal);
    const current = snapshotId ?? snapshotOf(version);
    const schemas = new ReplaySchemas(registry, table.schemas(version));
    return {
      reader: table.reader(current === null ? null : BigInt(current)),
      objects: table.store,
      snapshotId: current,
      isExplained: explainedBy(version.metadata),
      processor: await processor(schemas),
      close: async () => table.close(),
    };
  } catch (error) {
    table.close();
    throw error;
  }
}

function snapshotOf({ metadata }: TableVersion): string | null {
  return metadata.currentSnapshotId === null ? null : String(metadata.currentSnapshotId);
}

/** A file, or all below a folder. */
async function prefixOf(store: ObjectStore, key: string, signal: AbortSignal): Promise<string> {
  try {
    await store.size(key, signal);
    return key;
  } catch (error) {
    if (error instanceof JourneyGraphError && error.code === 'OBJECT_MISSING') return `${key}/`;
    throw error;
  }
}

interface ContainerParts {
  readonly request: ArchivePlaceRequest;
  readonly schemas: ReplaySchemas;
  readonly processor: RecordProcessor;
}

/** When a value happened is its event's time, which takes mapping it: so only where rows are wanted by their time. */
function containerReader(
  store: ObjectStore,
  prefix: string,
  { request, schemas, processor }: ContainerParts,
): ArchiveReader {
  const source = { cluster: 'archive', topic: request.topic, topicId: filesTopicId, partition: 0 };
  const headersOf = new WeakMap<AvroSchema, { readonly key: string; readonly value: Uint8Array }>();
  const timeMs = (writer: AvroSchema, value: Uint8Array): number | null | Promise<number | null> => {
    const header = headersOf.get(writer);
    const headers = header === undefined ? [] : [header];
    const record = { offset: 0n, timestampMs: -1, key: null, value, headers };
    const outcome = processor.process(record, source, 0);
    return outcome.kind === 'needs-schema' ? loaded(outcome.schemaId, record) : timeOf(outcome);
  };
  /** What was known of a schema holds for a while only, and not while a table is away: then this throws. */
  const loaded = async (schemaId: number, record: SourceRecord): Promise<number | null> => {
    await processor.load(schemaId, source);
    return timeOf(processor.process(record, source, 0));
  };
  return new ContainerReader({
    ...{ store, prefix, topicId: filesTopicId },
    framing: async (writer) => {
      const header = schemas.noteWriter(writer.text);
      headersOf.set(writer, header);
      if (request.byTime) await prepare(processor, header, source);
      return { schemaId: null, bytes: new Uint8Array(0), headers: [header] };
    },
    timeMs: request.byTime ? timeMs : () => -1,
  });
}

/** Null of what cannot be read: its letter is the pipeline's to write. */
function timeOf(outcome: Outcome): number | null {
  switch (outcome.kind) {
    case 'mapped':
      return outcome.event.timeMs;
    case 'filtered':
      return -1;
    case 'dead':
      return null;
    case 'needs-schema':
    case 'needs-row':
      throw new OutageError(
        'LOOKUP_TABLE_BEHIND',
        'When an event happened cannot be told while a table that its mapping looks rows up in cannot be read; the file is read again.',
      );
    default:
      return unreachable(outcome);
  }
}

/** So that times can be told without waiting. A byte that is no event asks for its schema all the same. */
async function prepare(
  processor: RecordProcessor,
  header: { readonly key: string; readonly value: Uint8Array },
  source: Parameters<RecordProcessor['load']>[1],
): Promise<void> {
  const record = { offset: 0n, timestampMs: -1, key: null, value: Buffer.of(0), headers: [header] };
  const outcome = processor.process(record, source, 0);
  if (outcome.kind === 'needs-schema') await processor.load(outcome.schemaId, source);
}
