import type { Column, ColumnType } from '../columns.ts';
import { type Json, JsonFault, type JsonObject } from './iceberg-json.ts';
import { isObject, JsonFields } from './json-fields.ts';
import { plainType, printType } from './type-text.ts';

export interface TableSchema {
  readonly id: number;
  readonly columns: readonly Column[];
  /** What a schema's JSON has beyond that, and of each column (by its id) beyond what the archive knows: `doc` for one. */
  readonly rest: JsonObject;
  readonly columnRest: ReadonlyMap<number, JsonObject>;
}

export const columnsMax = 10_000;
const depthMax = 20;
const idMax = 2_147_483_647;

/** @throws JsonFault */
export function parseSchema(value: Json, where: string): TableSchema {
  const fields = new JsonFields(value, where);
  fields.value('type');
  const parser = new SchemaParser();
  // Version 1 has one schema without an id.
  const id = fields.intOrNull('schema-id') ?? 0;
  const columns = fields.list('fields', columnsMax, (item, at) => parser.column(item, at, 0));
  return { id, columns, rest: fields.rest(), columnRest: parser.columnRest };
}

export function printSchema(schema: TableSchema): JsonObject {
  const fields = schema.columns.map((each) => printColumn(each, schema.columnRest));
  return { type: 'struct', 'schema-id': schema.id, fields, ...schema.rest };
}

/** Of columns and everything in them, in no particular order. */
export function columnIds(columns: readonly Column[]): readonly number[] {
  return columns.flatMap((each) => [each.id, ...columnIds(innerColumns(each.type))]);
}

export function innerColumns(type: ColumnType): readonly Column[] {
  switch (type.kind) {
    case 'struct':
      return type.fields;
    case 'list':
      return [type.element];
    case 'map':
      return [type.key, type.value];
    default:
      return [];
  }
}

/** At the top or in structs; null when there is none. */
export function columnById(columns: readonly Column[], id: number): Column | null {
  for (const each of columns) {
    const found = each.id === id ? each : columnById(innerColumns(each.type), id);
    if (found !== null) return found;
  }
  return null;
}

function printColumn(each: Column, columnRest: ReadonlyMap<number, JsonObject>): JsonObject {
  const type = printType(each.type, (inner) => printColumn(inner, columnRest));
  return { id: each.id, name: each.name, required: each.required, type, ...columnRest.get(each.id) };
}

class SchemaParser {
  readonly columnRest = new Map<number, JsonObject>();
  readonly #ids = new Set<number>();

  column(value: Json, where: string, depth: number): Column {
    const fields = new JsonFields(value, where);
    const id = this.#id(fields, 'id', where);
    const name = fields.text('name');
    const required = fields.flag('required');
    const type = this.#type(fields.value('type'), `${where}.type`, depth);
    const rest = fields.rest();
    if (Object.keys(rest).length > 0) this.columnRest.set(id, rest);
    return { id, name, required, type };
  }

  #type(value: Json, where: string, depth: number): ColumnType {
    if (depth > depthMax) throw new JsonFault(`nests types deeper than ${depthMax} at ${where}`);
    if (typeof value === 'string') return plainType(value, where);
    const fields = new JsonFields(value, where);
    switch (isObject(value) ? value.type : null) {
      case 'struct':
        return {
          kind: 'struct',
          fields: fields.list('fields', columnsMax, (item, at) => this.column(item, at, depth + 1)),
        };
      case 'list':
        return {
          kind: 'list',
          element: this.#inner(fields, 'element', fields.flag('element-required'), where, depth),
        };
      case 'map':
        return {
          kind: 'map',
          key: this.#inner(fields, 'key', true, where, depth),
          value: this.#inner(fields, 'value', fields.flag('value-required'), where, depth),
        };
      default:
        throw new JsonFault(`has no type of Iceberg v2 at ${where}`);
    }
  }

  #inner(fields: JsonFields, name: string, required: boolean, where: string, depth: number): Column {
    const id = this.#id(fields, `${name}-id`, where);
    return { id, name, required, type: this.#type(fields.value(name), `${where}.${name}`, depth + 1) };
  }

  #id(fields: JsonFields, key: string, where: string): number {
    const id = fields.int(key);
    if (id < 0 || id > idMax) throw new JsonFault(`has a field id out of range at ${where}`);
    if (this.#ids.has(id)) throw new JsonFault(`uses the field id ${id} twice, at ${where} again`);
    if (this.#ids.size >= columnsMax)
      throw new JsonFault(`has more than ${columnsMax} columns in one schema`);
    this.#ids.add(id);
    return id;
  }
}
