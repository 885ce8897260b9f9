import { RefusedError } from '../../foundation/index.ts';
import { type ChangeParts, writableSpec } from './append-change.ts';
import type { TableVersion } from './catalog.ts';
import type { DataFile } from './data-file.ts';
import type { ManifestEntry } from './manifest.ts';
import { hasLiveFiles, type ManifestFile } from './manifest-list.ts';
import { SnapshotFiles } from './snapshot-files.ts';
import { carriedSummary, countedSummary } from './snapshot-summary.ts';
import { mayBeSwept } from './sweep-mark.ts';
import type { TableChange } from './table-commit.ts';
import type { InheritedEntry } from './table-files.ts';
import { type Snapshot, snapshotOf, type TableMetadata } from './table-metadata.ts';

export interface ReplaceOrder {
  /** As the snapshot says: the same rows, or fewer. */
  readonly operation: 'replace' | 'delete';
  readonly removed: readonly DataFile[];
  readonly added: readonly DataFile[];
  readonly plannedAt: bigint;
  /** When the writing of what is added began; null: nothing is. */
  readonly writtenFromMs: number | null;
}

/** Puts files in the place of others with the same rows, or takes files out. */
export class ReplaceChange implements TableChange {
  readonly snapshotId: bigint;
  readonly #order: ReplaceOrder;
  readonly #parts: ChangeParts;
  readonly #snapshotFiles: SnapshotFiles;
  #written: readonly string[] = [];
  #location = '';

  constructor(order: ReplaceOrder, parts: ChangeParts) {
    this.#order = order;
    this.#parts = parts;
    this.#snapshotFiles = new SnapshotFiles(parts.files, parts.ids);
    this.snapshotId = parts.ids.snapshotId();
  }

  async on({ metadata }: TableVersion): Promise<TableMetadata> {
    const { removed, added } = this.#order;
    writableSpec(metadata, added, this.#parts.table);
    const parent = snapshotOf(metadata, metadata.currentSnapshotId);
    const manifests = (await this.#parts.files.manifests(parent, metadata.location)).filter(hasLiveFiles);
    this.#checkDeletes(metadata, manifests);
    const { touched, untouched } = await this.#split(manifests, metadata.location);
    const sequence = metadata.lastSequence + 1n;
    const gone = new Set(removed.map((file) => file.path));
    const entries = [
      ...this.#addedEntries(touched, gone),
      ...touched.map((entry) => this.#kept(entry, gone)),
    ];
    const made: ManifestFile[] = [];
    for (const each of metadata.specs) {
      const own = entries.filter((entry) => entry.file.specId === each.id);
      const id = { id: this.snapshotId, sequence };
      if (own.length > 0) made.push(await this.#snapshotFiles.manifest(metadata, each, own, id));
    }
    const next = await this.#snapshotFiles.next(metadata, {
      id: this.snapshotId,
      operation: this.#order.operation,
      summary: { ...countedSummary(metadata, added, removed), ...carriedSummary(metadata) },
      manifests: [...made, ...untouched],
      nowMs: this.#parts.clock.now(),
    });
    const list = snapshotOf(next, this.snapshotId)?.manifestList ?? '';
    this.#written = [...made.map((manifest) => manifest.path), list];
    this.#location = metadata.location;
    return next;
  }

  isIn(metadata: TableMetadata): boolean {
    return snapshotOf(metadata, this.snapshotId) !== null;
  }

  async lost(): Promise<void> {
    for (const uri of this.#written) await this.#snapshotFiles.remove(uri, this.#location);
  }

  /** Deletes that came after the files were read name the old files, and would not be seen in the new ones. */
  #checkDeletes(metadata: TableMetadata, manifests: readonly ManifestFile[]): void {
    const planned: Snapshot | null = snapshotOf(metadata, this.#order.plannedAt);
    if (planned === null) throw this.#conflict('the snapshot it was planned at expired');
    const { writtenFromMs } = this.#order;
    if (writtenFromMs !== null && mayBeSwept(metadata, writtenFromMs))
      throw this.#conflict('they took so long to be written that an expiry may have removed them');
    if (this.#order.operation === 'delete') return;
    const deletes = manifests.filter((manifest) => manifest.content === 'deletes');
    if (deletes.some((manifest) => manifest.sequence > planned.sequence))
      throw this.#conflict('rows were deleted since it was planned');
    const rows = (files: readonly DataFile[]): number => files.reduce((sum, file) => sum + file.rows, 0);
    if (deletes.length === 0 && rows(this.#order.added) !== rows(this.#order.removed))
      throw this.#conflict(
        `the new files have ${rows(this.#order.added)} rows, the old ones ${rows(this.#order.removed)}`,
      );
  }

  /** Live entries of all manifests that have one of the removed files, and the manifests that have none. */
  async #split(
    manifests: readonly ManifestFile[],
    location: string,
  ): Promise<{ readonly touched: readonly InheritedEntry[]; readonly untouched: readonly ManifestFile[] }> {
    const missing = new Set(this.#order.removed.map((file) => file.path));
    const touched: InheritedEntry[] = [];
    const untouched: ManifestFile[] = [];
    for (const manifest of manifests) {
      const before = missing.size;
      const live: InheritedEntry[] = [];
      if (manifest.content === 'data' && before > 0) {
        for await (const entry of this.#parts.files.entries(manifest, location)) {
          if (entry.status === 'deleted') continue;
          live.push(entry);
          missing.delete(entry.file.path);
        }
      }
      if (missing.size === before) untouched.push(manifest);
      else touched.push(...live);
    }
    const [gone] = missing;
    if (gone !== undefined) throw this.#conflict(`${gone} is no longer in it`);
    return { touched, untouched };
  }

  /** As old as the newest of the files they replace: deletes that come later still apply to them. */
  #addedEntries(touched: readonly InheritedEntry[], removed: ReadonlySet<string>): readonly ManifestEntry[] {
    let sequence = 0n;
    for (const entry of touched) {
      if (removed.has(entry.file.path) && entry.sequence > sequence) sequence = entry.sequence;
    }
    return this.#order.added.map((file) => ({
      status: 'added',
      snapshotId: null,
      sequence,
      fileSequence: null,
      file,
    }));
  }

  #kept(entry: InheritedEntry, removed: ReadonlySet<string>): ManifestEntry {
    return removed.has(entry.file.path)
      ? { ...entry, status: 'deleted', snapshotId: this.snapshotId }
      : { ...entry, status: 'existing' };
  }

  #conflict(what: string): RefusedError {
    return new RefusedError(
      'REPLACE_CONFLICT',
      `Files of the table ${this.#parts.table} were not replaced: ${what}. Choose files of its current snapshot again.`,
    );
  }
}
