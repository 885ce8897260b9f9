import avsc, { type Schema, type schema } from 'avsc';
import { describe, expect, test } from 'vitest';
import { must } from '../foundation/index.ts';
import { branchRead, namingOf, resolverOf } from './avro-resolution.ts';

/** Each with a value of it. */
const written: readonly (readonly [schema.DefinedType, unknown])[] = [
  ['null', null],
  ['boolean', true],
  ['int', 1],
  ['long', 1],
  ['float', 1],
  ['double', 1],
  ['bytes', Buffer.from('a')],
  ['string', 'a'],
  [{ type: 'array', items: 'int' }, [1]],
  [{ type: 'map', values: 'int' }, { a: 1 }],
  [{ type: 'fixed', name: 'F', size: 1 }, Buffer.from('a')],
  [{ type: 'enum', name: 'C', symbols: ['RED'] }, 'RED'],
  [{ type: 'record', name: 'a.R', fields: [] }, {}],
];
const read: readonly schema.DefinedType[] = [
  ...written.map(([type]) => type),
  { type: 'fixed', name: 'G', aliases: ['F'], size: 1 },
  { type: 'enum', name: 'D', aliases: ['C'], symbols: ['RED', 'BLUE'] },
  { type: 'record', name: 'a.S', aliases: ['a.R'], fields: [] },
  { type: 'record', name: 'b.R', fields: [] },
  { type: 'record', name: 'a.T', aliases: ['a.R'], fields: [{ name: 'new', type: 'int' }] },
];
/** With every branch named in the values, which tells the one that was taken. */
const typeOf = (of: Schema) => avsc.Type.forSchema(of, { wrapUnions: true });

describe('the branch of a reader’s union that reads a writer’s type', () => {
  const pairs = read.flatMap((first) => read.map((second) => [first, second]));

  test.each(written)('is the one that avsc takes: %j', (type, value) => {
    const writer = typeOf(type);
    const bytes = writer.toBuffer(value);
    let readable = 0;
    for (const branches of pairs) {
      let reader: ReturnType<typeof typeOf>;
      try {
        reader = typeOf(branches);
      } catch {
        // Two of one kind or of one name are no union.
        continue;
      }
      if (!(reader instanceof avsc.types.WrappedUnionType)) throw new Error('this is a union');
      const expected = takenBy(writer, reader, bytes);
      if (expected === null) continue;
      const found = branchRead(writer, reader.types, namingOf(writer, reader));
      expect(found?.branchName, JSON.stringify(branches)).toBe(expected);
      readable += 1;
    }
    expect(readable).toBeGreaterThan(0);
  });
});

function takenBy(writer: avsc.Type, reader: avsc.Type, bytes: Buffer): string | null {
  let resolver: ReturnType<typeof resolverOf>;
  try {
    resolver = resolverOf(writer, reader);
  } catch {
    return null;
  }
  const value: unknown = reader.fromBuffer(bytes, resolver);
  return value === null ? 'null' : must(Object.keys(Object(value))[0], 'a branch names itself');
}
