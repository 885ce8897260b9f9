import avsc, { type Type } from 'avsc';
import { assert } from '../foundation/index.ts';

/**
 * avsc's record, whose resolver looks names up in plain objects: a field called `constructor` or `toString` is found there
 * although nobody put it in, and every event of such a writer would be refused. While it compiles a resolver, this one shows
 * those names with a `$` before them, which no name in Avro has.
 */
export class SafeRecordType extends avsc.types.RecordType {
  /** Called by avsc. Throws when the writer cannot be read. */
  _update(resolver: unknown, writer: Type, opts: unknown): void {
    const update: unknown = Reflect.get(avsc.types.RecordType.prototype, '_update');
    assert(typeof update === 'function', 'avsc compiles resolvers of records here');
    Reflect.apply(update, escaped(this), [resolver, escaped(writer), opts]);
  }
}

function escaped(type: Type): Type {
  if (!(type instanceof avsc.types.RecordType) || !type.fields.some(isInherited)) return type;
  return Object.create(type, { fields: { value: type.fields.map(escapedField) } });
}

type Field = avsc.types.RecordType['fields'][number];

function isInherited({ name, aliases }: Field): boolean {
  return [name, ...aliases].some((each) => each in Object.prototype);
}

function escapedField(field: Field): Field {
  return Object.create(field, {
    name: { value: escapedName(field.name) },
    aliases: { value: field.aliases.map(escapedName) },
  });
}

function escapedName(name: string): string {
  return name in Object.prototype ? `$${name}` : name;
}
