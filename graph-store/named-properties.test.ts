import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeOf } from './bulk-reads.ts';
import type { PropertyValue } from './model.ts';
import { NamedProperties } from './named-properties.ts';
import { hashNodeName } from './node-hash.ts';
import { encodeNodeRow } from './node-row.ts';
import { mergeRegisters, propertiesOf, type Register, type RegisterContent } from './register.ts';
import * as rows from './rows.ts';

const value = fc.constantFrom<PropertyValue>(null, true, false, 1.5, 7n, '', 'DE', 'é'.repeat(200));
const content: fc.Arbitrary<RegisterContent> = fc.oneof(
  fc.record({ kind: fc.constant('value'), value }),
  fc.record({ kind: fc.constant('cleared') }),
  fc.record({ kind: fc.constant('element'), value, present: fc.boolean() }),
);
// The beginning of one name is another.
const name = fc.constantFrom<string>('a', 'ab', 'abc', 'b');
const register: fc.Arbitrary<Register> = fc.record({
  name,
  timeMs: fc.integer({ min: 0, max: 4 }),
  rank: fc.integer({ min: 0, max: 300 }),
  content,
});

describe('properties of a row, some by their names', () => {
  it('are what the whole row says of these, sets and what is hidden included', () => {
    fc.assert(
      fc.property(
        fc.array(register, { maxLength: 12 }),
        fc.uniqueArray(name),
        fc.integer({ min: -1, max: 4 }),
        fc.uint8Array({ maxLength: 20 }),
        (written, names, hiddenMs, lineage) => {
          const registers = mergeRegisters([], written);
          const row = encodeNodeRow({ mentionedMs: 9, lineage: Buffer.from(lineage), registers });
          const all = propertiesOf(registers, hiddenMs);
          expect(new NamedProperties(names).of(row, hiddenMs)).toEqual(
            all.filter((one) => names.includes(one.name)),
          );
        },
      ),
    );
  });
});

describe('keys and places of many nodes', () => {
  it('are those of each, in any alphabet', () => {
    const id = fc.oneof(fc.string({ minLength: 1 }), fc.string({ unit: 'binary', minLength: 1 }));
    fc.assert(
      fc.property(fc.constantFrom('Account', 'Título'), fc.array(id), (type, ids) => {
        expect(rows.nodeKeys(type, ids)).toEqual(ids.map((one) => rows.nodeKey({ type, id: one })));
        for (const one of ids) {
          const bytes = rows.nodeName({ type, id: one });
          expect(placeOf({ type, id: one })).toBe(hashNodeName(bytes, 0, bytes.length));
        }
      }),
    );
  });
});
