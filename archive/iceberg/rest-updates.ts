import { isList, type Json, type JsonObject } from './iceberg-json.ts';
import { printSpec } from './partition-spec.ts';
import { mainBranch, printRef, printSnapshot, schemaOf, type TableMetadata } from './table-metadata.ts';
import { printSchema } from './table-schema.ts';

/** What the server checks before it applies the updates: another commit in between makes it refuse. */
export function requirementsOf(base: TableMetadata, next: TableMetadata): readonly JsonObject[] {
  const always: JsonObject[] = [
    { type: 'assert-table-uuid', uuid: base.uuid },
    { type: 'assert-ref-snapshot-id', ref: mainBranch, 'snapshot-id': base.currentSnapshotId },
  ];
  if (base.currentSchemaId === next.currentSchemaId) return always;
  return [
    ...always,
    { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': base.lastColumnId },
    { type: 'assert-current-schema-id', 'current-schema-id': base.currentSchemaId },
  ];
}

/** The steps from one version of a table to the next. */
export function updatesOf(base: TableMetadata, next: TableMetadata): readonly JsonObject[] {
  return [
    ...schemaUpdates(base, next),
    ...propertyUpdates(base.properties, next.properties),
    ...snapshotUpdates(base, next),
  ];
}

/** The steps that make a new table; ids of columns stay as they are, which the plain request for a new table does not promise. */
export function creationUpdates(next: TableMetadata, uuid: string): readonly JsonObject[] {
  const schema = schemaOf(next, next.currentSchemaId);
  const [spec] = next.specs;
  const orders = next.rest['sort-orders'] ?? null;
  const order: Json = isList(orders) ? (orders[0] ?? null) : null;
  // -1 is what was added last.
  return [
    { action: 'assign-uuid', uuid },
    { action: 'upgrade-format-version', 'format-version': 2 },
    { action: 'add-schema', schema: printSchema(schema), 'last-column-id': next.lastColumnId },
    { action: 'set-current-schema', 'schema-id': -1 },
    { action: 'add-spec', spec: spec === undefined ? null : printSpec(spec) },
    { action: 'set-default-spec', 'spec-id': -1 },
    { action: 'add-sort-order', 'sort-order': order },
    { action: 'set-default-sort-order', 'sort-order-id': -1 },
    { action: 'set-location', location: next.location },
    { action: 'set-properties', updates: next.properties },
  ];
}

function schemaUpdates(base: TableMetadata, next: TableMetadata): readonly JsonObject[] {
  if (base.currentSchemaId === next.currentSchemaId) return [];
  const known = base.schemas.some((schema) => schema.id === next.currentSchemaId);
  if (known) return [{ action: 'set-current-schema', 'schema-id': next.currentSchemaId }];
  const schema = printSchema(schemaOf(next, next.currentSchemaId));
  return [
    { action: 'add-schema', schema, 'last-column-id': next.lastColumnId },
    { action: 'set-current-schema', 'schema-id': -1 },
  ];
}

function propertyUpdates(
  base: Readonly<Record<string, string>>,
  next: Readonly<Record<string, string>>,
): readonly JsonObject[] {
  const set = Object.entries(next).filter(([key, value]) => base[key] !== value);
  const removed = Object.keys(base).filter((key) => !Object.hasOwn(next, key));
  return [
    ...(set.length === 0 ? [] : [{ action: 'set-properties', updates: Object.fromEntries(set) }]),
    ...(removed.length === 0 ? [] : [{ action: 'remove-properties', removals: removed }]),
  ];
}

function snapshotUpdates(base: TableMetadata, next: TableMetadata): readonly JsonObject[] {
  const before = new Set(base.snapshots.map((snapshot) => snapshot.id));
  const after = new Set(next.snapshots.map((snapshot) => snapshot.id));
  const added = next.snapshots.filter((snapshot) => !before.has(snapshot.id));
  const removed = [...before].filter((id) => !after.has(id));
  const refs = [...next.refs].filter(([name, ref]) => base.refs.get(name)?.snapshotId !== ref.snapshotId);
  return [
    ...added.map((snapshot) => ({ action: 'add-snapshot', snapshot: printSnapshot(snapshot) })),
    ...refs.map(([name, ref]) => ({ action: 'set-snapshot-ref', 'ref-name': name, ...printRef(ref) })),
    ...(removed.length === 0 ? [] : [{ action: 'remove-snapshots', 'snapshot-ids': removed }]),
  ];
}
