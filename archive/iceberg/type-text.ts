import type { Column, ColumnType, PlainKind } from '../columns.ts';
import { type Json, JsonFault } from './iceberg-json.ts';

const plainKinds: ReadonlyMap<string, PlainKind> = new Map(
  (
    [
      'boolean',
      'int',
      'long',
      'float',
      'double',
      'date',
      'time',
      'timestamp',
      'timestamptz',
      'string',
      'uuid',
      'binary',
    ] as const
  ).map((kind) => [kind, kind]),
);
const fixedBytesMax = 1_048_576;
const precisionMax = 38;

/** A type without parts, as Iceberg's JSON names it. @throws JsonFault */
export function plainType(text: string, where: string): ColumnType {
  const kind = plainKinds.get(text);
  if (kind !== undefined) return { kind };
  const bytes = Number(/^fixed\[(\d{1,9})\]$/.exec(text)?.[1]);
  if (bytes > 0 && bytes <= fixedBytesMax) return { kind: 'fixed', bytes };
  const decimal = /^decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/.exec(text);
  const precision = Number(decimal?.[1]);
  const scale = Number(decimal?.[2]);
  if (precision > 0 && precision <= precisionMax && scale <= precision)
    return { kind: 'decimal', precision, scale };
  throw new JsonFault(`has the type ${JSON.stringify(text.slice(0, 40))} at ${where}, none of Iceberg v2`);
}

export function printType(type: ColumnType, printColumn: (each: Column) => Json): Json {
  switch (type.kind) {
    case 'fixed':
      return `fixed[${type.bytes}]`;
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`;
    case 'struct':
      return { type: 'struct', fields: type.fields.map(printColumn) };
    case 'list':
      return {
        type: 'list',
        'element-id': type.element.id,
        'element-required': type.element.required,
        element: printType(type.element.type, printColumn),
      };
    case 'map':
      return {
        type: 'map',
        'key-id': type.key.id,
        key: printType(type.key.type, printColumn),
        'value-id': type.value.id,
        'value-required': type.value.required,
        value: printType(type.value.type, printColumn),
      };
    default:
      return type.kind;
  }
}

/** For messages and for comparing. */
export function typeText(type: ColumnType): string {
  switch (type.kind) {
    case 'struct':
      return `struct<${type.fields.map((each) => `${each.name}: ${typeText(each.type)}`).join(', ')}>`;
    case 'list':
      return `list<${typeText(type.element.type)}>`;
    case 'map':
      return `map<${typeText(type.key.type)}, ${typeText(type.value.type)}>`;
    default:
      return String(printType(type, () => null));
  }
}
