import { describe, expect, it } from 'vitest';
import { must } from '../../foundation/index.ts';
import type { Catalog, TableVersion } from './catalog.ts';
import { testMetadata } from './iceberg-testing.ts';
import { evolved } from './schema-evolution.ts';
import { mainBranch, type Snapshot, snapshotOf, type TableMetadata } from './table-metadata.ts';

export interface CatalogHarness {
  readonly table: string;
  readonly warehouse: string;
  /** The table's folder below the warehouse. */
  readonly folder: string;
  /** Two handles on one empty catalog, as two processes have them. */
  open(): Promise<readonly [Catalog, Catalog]>;
}

const later = 7_759_336_863_195_767_433n;

/** The promises of the port, run on every catalog. */
export function describeCatalog(name: string, harness: CatalogHarness): void {
  const { table } = harness;
  const metadata = (): TableMetadata => testMetadata({ warehouse: harness.warehouse, name: harness.folder });

  describe(`${name} keeps the promises of a catalog`, () => {
    it('knows no table that nobody made', async () => {
      const [catalog] = await harness.open();
      expect(await catalog.load(table)).toBeNull();
    });

    it('makes a table once, with the ids of its columns as they are', async () => {
      const [catalog, other] = await harness.open();
      expect(await catalog.swap(table, null, metadata())).toBe(true);
      expect(await other.swap(table, null, metadata())).toBe(false);
      const loaded = await loadedBy(other, table);
      const wanted = metadata();
      expect(loaded.metadata.schemas[0]?.columns).toEqual(wanted.schemas[0]?.columns);
      expect(loaded.metadata.specs).toEqual(wanted.specs);
      expect(loaded.metadata.properties).toEqual(wanted.properties);
      expect(loaded.metadata.location).toBe(wanted.location);
      expect(loaded.metadata.currentSnapshotId).toBeNull();
    });

    it('takes one of two commits made from one version, and keeps 63-bit ids exact', async () => {
      const [catalog, other] = await harness.open();
      await catalog.swap(table, null, metadata());
      const base = await loadedBy(catalog, table);
      expect(await catalog.swap(table, base, withSnapshot(base.metadata, later))).toBe(true);
      expect(await other.swap(table, base, withSnapshot(base.metadata, 2n))).toBe(false);
      const now = await loadedBy(other, table);
      expect(now.metadata.currentSnapshotId).toBe(later);
      expect(now.metadata.snapshots.map((snapshot) => snapshot.id)).toEqual([later]);
      expect(now.metadata.refs.get(mainBranch)?.snapshotId).toBe(later);
      expect(snapshotOf(now.metadata, later)?.summary).toEqual({ 'jg.positions': '{"a":"1"}' });
      expect(now.token).not.toBe(base.token);
    });

    it('loses none of many commits by two handles at once', async () => {
      const [catalog, other] = await harness.open();
      await catalog.swap(table, null, metadata());
      const commitAll = async (handle: Catalog, ids: readonly bigint[]): Promise<void> => {
        for (const id of ids) {
          for (;;) {
            const base = await loadedBy(handle, table);
            if (await handle.swap(table, base, withSnapshot(base.metadata, id))) break;
          }
        }
      };
      const ids = Array.from({ length: 24 }, (_, index) => BigInt(index + 1));
      await Promise.all([commitAll(catalog, ids.slice(0, 12)), commitAll(other, ids.slice(12))]);
      const { snapshots } = (await loadedBy(catalog, table)).metadata;
      expect(snapshots.map((snapshot) => snapshot.id).sort((a, b) => (a < b ? -1 : 1))).toEqual(ids);
      expect(snapshots.map((snapshot) => Number(snapshot.sequence))).toEqual(ids.map(Number));
    });

    it('changes columns and properties, and forgets snapshots', async () => {
      const [catalog, other] = await harness.open();
      await catalog.swap(table, null, metadata());
      let base = await loadedBy(catalog, table);
      await catalog.swap(table, base, withSnapshot(base.metadata, 1n));
      base = await loadedBy(catalog, table);
      await catalog.swap(table, base, withSnapshot(base.metadata, 2n));
      base = await loadedBy(other, table);
      const column = { id: 0, name: 'device', required: false, type: { kind: 'string' } as const };
      const changed = evolved(base.metadata, [{ kind: 'add', parent: null, column }]);
      const properties = { ...changed.properties, 'jg.columns': '{}' };
      expect(await other.swap(table, base, { ...changed, properties })).toBe(true);
      base = await loadedBy(catalog, table);
      const columns = must(base.metadata.schemas.at(-1), 'a schema').columns;
      expect(columns.at(-1)).toEqual({ ...column, id: 1_002 });
      expect(base.metadata.currentSchemaId).toBe(1);
      expect(base.metadata.properties['jg.columns']).toBe('{}');
      const kept = base.metadata.snapshots.filter((snapshot) => snapshot.id === 2n);
      expect(await catalog.swap(table, base, { ...base.metadata, snapshots: kept, snapshotLog: [] })).toBe(
        true,
      );
      base = await loadedBy(other, table);
      expect(base.metadata.snapshots.map((snapshot) => snapshot.id)).toEqual([2n]);
    });
  });
}

export async function loadedBy(catalog: Catalog, table: string): Promise<TableVersion> {
  return must(await catalog.load(table), 'the table is there');
}

/** A snapshot that refers to nothing: catalogs do not look. */
export function withSnapshot(base: TableMetadata, id: bigint): TableMetadata {
  const sequence = base.lastSequence + 1n;
  const timestampMs = base.lastUpdatedMs + 1;
  const snapshot: Snapshot = {
    id,
    parentId: base.currentSnapshotId,
    sequence,
    timestampMs,
    manifestList: `${base.location}/metadata/snap-${id}.avro`,
    operation: 'append',
    summary: { 'jg.positions': '{"a":"1"}' },
    schemaId: base.currentSchemaId,
    rest: {},
  };
  return {
    ...base,
    lastSequence: sequence,
    lastUpdatedMs: timestampMs,
    currentSnapshotId: id,
    snapshots: [...base.snapshots, snapshot],
    refs: new Map([[mainBranch, { snapshotId: id, type: 'branch', rest: {} }]]),
    snapshotLog: [...base.snapshotLog, { timestampMs, snapshotId: id }],
  };
}
