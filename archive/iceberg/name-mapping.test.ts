import { describe, expect, it } from 'vitest';
import { nameMapping } from './name-mapping.ts';

describe('A name mapping', () => {
  it('has ids by the path of names, other spellings and nested ones too', () => {
    const idOf = nameMapping(
      `[{"field-id":1,"names":["offset","Offset"]},{"names":["no id"]},
        {"field-id":8,"names":["headers"],"fields":[{"field-id":9,"names":["element"],"fields":[{"field-id":10,"names":["key"]}]}]}]`,
      't',
    );
    const paths = [
      ['offset'],
      ['Offset'],
      ['no id'],
      ['headers', 'element', 'key'],
      ['key'],
      ['headers', 'element'],
    ];
    expect(paths.map(idOf)).toEqual([1, 1, null, 10, null, 9]);
  });

  for (const [what, text] of [
    ['half a mapping', '[{"field-id":1'],
    ['no list', '{"field-id":1}'],
    ['a name that is none', '[{"field-id":1,"names":[7]}]'],
    ['more names than a table has columns', `[{"names":[${'"a",'.repeat(10_000)}"a"]}]`],
  ] as const) {
    it(`is refused with the table's name: ${what}`, () => {
      expect(() => nameMapping(text, 'tables/t')).toThrow(
        expect.objectContaining({ code: 'TABLE_METADATA_DAMAGED' }),
      );
      expect(() => nameMapping(text, 'tables/t')).toThrow(/of the table tables\/t /);
    });
  }
});
