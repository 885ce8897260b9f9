import { describe, expect, it } from 'vitest';
import { JsonFault, parseJson, printJson } from './iceberg-json.ts';

describe('JSON of Iceberg', () => {
  it('keeps whole numbers exact, also of more than 53 bits', () => {
    const text =
      '{"id":7759336863195767433,"low":-9223372036854775808,"small":[1,-2,0.5],"big":9007199254740993}';
    expect(parseJson(text)).toEqual({
      id: 7_759_336_863_195_767_433n,
      low: -9_223_372_036_854_775_808n,
      small: [1, -2, 0.5],
      big: 9_007_199_254_740_993n,
    });
    expect(printJson(parseJson(text))).toBe(text);
  });

  it('prints texts, nulls and keys as JSON has them', () => {
    const text = '{"a\\"b":null,"__proto__":{"x":true},"c":"\\u0000ü"}';
    expect(printJson(parseJson(text))).toBe(text);
  });

  for (const [what, text] of [
    ['half a document', '{"a":'],
    ['nothing', ''],
    ['a number that is none', '{"a":1e999}'],
    ['too deep a nest', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['a nest just too deep', `${'['.repeat(66)}${']'.repeat(66)}`],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(() => parseJson(text)).toThrow(JsonFault);
    });
  }
});
