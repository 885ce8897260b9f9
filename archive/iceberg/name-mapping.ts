import { StopError } from '../../foundation/index.ts';
import { type Json, JsonFault, parseJson } from './iceberg-json.ts';
import { JsonFields } from './json-fields.ts';
import { columnsMax } from './table-schema.ts';

export const nameMappingProperty = 'schema.name-mapping.default';
const depthMax = 20;

/**
 * Iceberg's name mapping: ids for files that were written without, by the path of names. Null where it names no column.
 *
 * @throws StopError `TABLE_METADATA_DAMAGED`
 */
export function nameMapping(text: string, table: string): (path: readonly string[]) => number | null {
  const ids = new Map<string, number>();
  try {
    addMapping(new JsonFields({ fields: parseJson(text) }, 'mapping'), '', { ids, names: 0 }, 0);
  } catch (cause) {
    if (!(cause instanceof JsonFault)) throw cause;
    throw new StopError(
      'TABLE_METADATA_DAMAGED',
      `The property ${nameMappingProperty} of the table ${table} ${cause.message}. Correct it.`,
      { cause },
    );
  }
  return (path) => ids.get(path.join('\n')) ?? null;
}

interface Mapped {
  readonly ids: Map<string, number>;
  names: number;
}

function addMapping(fields: JsonFields, prefix: string, mapped: Mapped, depth: number): void {
  if (depth > depthMax) throw new JsonFault(`is nested deeper than ${depthMax}`);
  fields.list('fields', columnsMax, (item: Json, where) => {
    const field = new JsonFields(item, where);
    const id = field.intOrNull('field-id');
    field.list('names', columnsMax, (name) => {
      if (typeof name !== 'string') throw new JsonFault(`has a name that is none at ${where}`);
      if (id !== null) mapped.ids.set(prefix + name, id);
      mapped.names += 1;
      if (mapped.names > columnsMax) throw new JsonFault(`has more than ${columnsMax} names`);
      addMapping(field, `${prefix}${name}\n`, mapped, depth + 1);
    });
  });
}
