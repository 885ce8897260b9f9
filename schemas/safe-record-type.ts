import avsc, { type Type } from 'avsc';
import { assert } from '../foundation/index.ts';

/**
 * avsc's record, whose resolver differs from Avro's specification in two ways that cost good events:
 *
 * - It looks names up in plain objects: a field called `constructor` or `toString` is found there although nobody put it in. While
 *   a resolver is compiled, those names have a `$` before them, which no name in Avro has.
 * - It refuses a writer's union as soon as one branch cannot be read, where Avro looks at the branch of each value: a producer that
 *   widens a union would lose all its events, and not only those with the new branch.
 */
export class SafeRecordType extends avsc.types.RecordType {
  /** Called by avsc. Throws when the writer cannot be read. */
  _update(resolver: unknown, writer: Type, opts: unknown): void {
    const update: unknown = Reflect.get(avsc.types.RecordType.prototype, '_update');
    assert(typeof update === 'function', 'avsc compiles resolvers of records here');
    const types = [resolver, withFields(writer, writtenField), opts];
    try {
      Reflect.apply(update, withFields(this, escapedField), types);
    } catch (error) {
      forget(opts, this, writer);
      throw error;
    }
  }
}

/** avsc keeps a resolver of two records before it is made, and would take a half-made one for the next field of the two. */
function forget(opts: unknown, reader: Type, writer: Type): void {
  const registry: unknown = typeof opts === 'object' && opts !== null ? Reflect.get(opts, 'registry') : null;
  if (typeof registry === 'object' && registry !== null)
    Reflect.deleteProperty(registry, `${reader.name}:${writer.name}`);
}

type Field = avsc.types.RecordType['fields'][number];

function withFields(type: Type, change: (field: Field) => Field): Type {
  if (!(type instanceof avsc.types.RecordType)) return type;
  return Object.create(type, { fields: { value: type.fields.map(change) } });
}

function escapedField(field: Field): Field {
  if (![field.name, ...field.aliases].some((name) => name in Object.prototype)) return field;
  return Object.create(field, {
    name: { value: escapedName(field.name) },
    aliases: { value: field.aliases.map(escapedName) },
  });
}

function writtenField(field: Field): Field {
  const escaped = escapedField(field);
  const { type } = field;
  const isUnion =
    type instanceof avsc.types.UnwrappedUnionType || type instanceof avsc.types.WrappedUnionType;
  if (!isUnion) return escaped;
  const skip: unknown = Reflect.get(type, '_skip');
  assert(typeof skip === 'function', 'avsc skips values of unions here');
  const union: unknown = Object.create(type, {
    types: { value: new Branches(type.types) },
    // A field that the reader does not have is skipped, and for that avsc asks the union for its true branches.
    _skip: { value: (tap: unknown): unknown => Reflect.apply(skip, type, [tap]) },
  });
  return Object.create(escaped, { type: { value: union } });
}

function escapedName(name: string): string {
  return name in Object.prototype ? `$${name}` : name;
}

/** Of a writer's union, in the one way in which avsc looks at them when it compiles a resolver: each is to give its own. */
class Branches {
  readonly #types: readonly Type[];

  constructor(types: readonly Type[]) {
    this.#types = types;
  }

  /** Throws what the first branch threw when none can be read that holds a value. */
  map(create: (type: Type) => unknown, reader: unknown): readonly unknown[] {
    let failure: unknown = null;
    let readable = 0;
    const resolvers = this.#types.map((type) => {
      try {
        const resolver: unknown = Reflect.apply(create, reader, [type]);
        if (type.typeName !== 'null') readable += 1;
        return resolver;
      } catch (error) {
        failure ??= error;
        return { _read: () => refuse(type) };
      }
    });
    if (failure !== null && readable === 0) throw failure;
    return resolvers;
  }
}

function refuse({ branchName }: Type): never {
  throw new Error(`the branch ${branchName} of the writer's union has no place in the reader's schema`);
}
