import type { Json, JsonObject } from './iceberg-json.ts';
import { JsonFields } from './json-fields.ts';

export interface PartitionField {
  readonly sourceId: number;
  readonly id: number;
  readonly name: string;
  /** `day`, `identity`, `bucket[16]`, … */
  readonly transform: string;
  readonly rest: JsonObject;
}

export interface PartitionSpec {
  readonly id: number;
  readonly fields: readonly PartitionField[];
}

/** Values of one file by the ids of the spec's fields. */
export type PartitionValues = ReadonlyMap<number, PartitionValue>;
export type PartitionValue = null | boolean | number | bigint | string | Uint8Array;

const fieldsMax = 100;
export const firstPartitionFieldId = 1_000;

/** @throws JsonFault */
export function parseSpec(value: Json, where: string): PartitionSpec {
  const fields = new JsonFields(value, where);
  return { id: fields.int('spec-id'), fields: parseSpecFields(fields, 'fields') };
}

/** Version 1 has the fields alone, and no ids of theirs. */
export function parseSpecFields(fields: JsonFields, key: string): readonly PartitionField[] {
  let next = firstPartitionFieldId;
  return fields.list(key, fieldsMax, (item, at) => {
    const one = new JsonFields(item, at);
    const id = one.intOrNull('field-id') ?? next;
    next = id + 1;
    const known = {
      sourceId: one.int('source-id'),
      id,
      name: one.text('name'),
      transform: one.text('transform'),
    };
    return { ...known, rest: one.rest() };
  });
}

export function printSpec(spec: PartitionSpec): JsonObject {
  return { 'spec-id': spec.id, fields: spec.fields.map(printSpecField) };
}

function printSpecField(field: PartitionField): JsonObject {
  return {
    'source-id': field.sourceId,
    'field-id': field.id,
    name: field.name,
    transform: field.transform,
    ...field.rest,
  };
}
