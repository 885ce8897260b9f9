import {
  type Catalog,
  type Column,
  type ColumnIdsByPath,
  checkConditionalWrites,
  columnIdsByPath,
  type DataFile,
  type EventField,
  eventColumnsOf,
  firstEventColumnId,
  type IcebergTable,
  mayBeSwept,
  newTableMetadata,
  type ObjectStore,
  planEventColumns,
  rawColumns,
  type TableMetadata,
  type TablePaths,
  topicProperty,
} from '../../archive/index.ts';
import { type Clock, FencedError, must, StopError } from '../../foundation/index.ts';
import { beginsAt, type Progress, progressSummary } from './archive-positions.ts';

export interface TopicTableParts {
  readonly topic: string;
  /** As the catalog knows it. */
  readonly name: string;
  /** Of the store, below which its files lie. */
  readonly folder: string;
  readonly table: IcebergTable;
  readonly catalog: Catalog;
  readonly store: ObjectStore;
  readonly paths: TablePaths;
  /** Commits rest on the store's conditional writes, which are tried once before anything rests on them. */
  readonly isInFiles: boolean;
  readonly newUuid: () => string;
  readonly clock: Clock;
}

const timestampId = 4;

/** The table that one topic is archived in, made when it is missing. */
export class TopicTable {
  readonly name: string;
  readonly folder: string;
  readonly topic: string;
  readonly store: ObjectStore;
  readonly paths: TablePaths;
  readonly #parts: TopicTableParts;
  #isTried = false;
  #shape: string | null = null;
  /** Goes up whenever columns or their fields changed. */
  #version = 0;
  #columns: readonly Column[] = [];
  #ids: ColumnIdsByPath = new Map();

  constructor(parts: TopicTableParts) {
    this.name = parts.name;
    this.folder = parts.folder;
    this.topic = parts.topic;
    this.store = parts.store;
    this.paths = parts.paths;
    this.#parts = parts;
  }

  get version(): number {
    return this.#version;
  }

  /** For the fields of events, as they are in this version. */
  get eventColumns(): readonly Column[] {
    return this.#columns;
  }

  get fieldIds(): ColumnIdsByPath {
    return this.#ids;
  }

  /** @throws StopError `ARCHIVE_TABLE_TAKEN`, `OBJECT_STORE_UNCONDITIONAL`, and as a catalog. */
  async load(): Promise<TableMetadata> {
    const { catalog, name } = this.#parts;
    let version = await catalog.load(name);
    if (version === null) {
      await this.#try();
      await catalog.swap(name, null, this.#newMetadata());
      version = must(await catalog.load(name), 'the table was made, by us or by somebody else');
    }
    const { metadata } = version;
    this.#check(metadata);
    await this.#try();
    this.#note(metadata);
    return metadata;
  }

  /** Columns for events of these fields, as far as there are none yet. */
  async addColumns(fields: readonly EventField[], columnsMax: number): Promise<void> {
    await this.#parts.table.evolve((base) => planEventColumns(base, fields, columnsMax));
    await this.load();
  }

  /**
   * Files that were written from `writtenFromMs` on.
   *
   * @throws FencedError when another archiver was there, or an expiry that may have removed the files: nothing was added.
   */
  async commit(
    files: readonly DataFile[],
    progress: readonly Progress[],
    writtenFromMs: number,
  ): Promise<bigint> {
    const { table, name } = this.#parts;
    return await table.append(
      files,
      (base) => progressSummary(base, name, progress),
      (base) => {
        if (mayBeSwept(base, writtenFromMs)) throw swept(name);
        return beginsAt(base, name, progress);
      },
    );
  }

  async #try(): Promise<void> {
    const { isInFiles, store, folder, newUuid } = this.#parts;
    if (isInFiles && !this.#isTried)
      await checkConditionalWrites(store, `${folder}/metadata/.probe-${newUuid()}`);
    this.#isTried = true;
  }

  #newMetadata(): TableMetadata {
    const { topic, folder, paths, newUuid, clock } = this.#parts;
    return newTableMetadata({
      uuid: newUuid(),
      location: paths.uriOf(folder),
      columns: rawColumns,
      dayOf: timestampId,
      lastColumnId: firstEventColumnId - 1,
      properties: { [topicProperty]: topic, 'write.parquet.compression-codec': 'zstd' },
      nowMs: clock.now(),
    });
  }

  #check({ properties }: TableMetadata): void {
    const { topic, name } = this.#parts;
    const owner = properties[topicProperty];
    if (owner === topic) return;
    throw new StopError(
      'ARCHIVE_TABLE_TAKEN',
      owner === undefined
        ? `The table ${name} was not made by jg archive, so topic ${topic} cannot be archived in it. Choose another archive.namespace.`
        : `The table ${name} archives the topic ${JSON.stringify(owner.slice(0, 249))}, whose name makes the same table's as ${topic} does. Archive one of them into another archive.namespace.`,
      { context: { topic } },
    );
  }

  #note(metadata: TableMetadata): void {
    const columns = eventColumnsOf(metadata);
    const ids = columnIdsByPath(metadata);
    const shape = JSON.stringify([columns, [...ids]]);
    if (shape === this.#shape) return;
    this.#shape = shape;
    this.#version += 1;
    this.#columns = columns;
    this.#ids = ids;
  }
}

function swept(table: string): FencedError {
  return new FencedError(
    `What was written for the table ${table} waited so long for its commit that an expiry may have removed it (archive.snapshots.ms). Nothing was added, and it is archived again.`,
  );
}
