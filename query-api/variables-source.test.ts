import fc from 'fast-check';
import { expect, it } from 'vitest';
import { variablesRefusal } from './variables-source.ts';

function members(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
}

/** So many objects and lists within each other. */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? { a: value } : [value];
  return value;
}

function refusalOf(variables: unknown): string | null {
  return variablesRefusal({ query: '{__typename}', variables })?.message ?? null;
}

it.each([
  ['an object of 32 fields', { of: members(32) }, null],
  ['one of 33 fields', { of: members(33) }, 'more than 32 fields'],
  ['one of 33 fields in a list in an object', { of: { a: [1, members(33)] } }, 'more than 32 fields'],
  ['500 variables', members(500), null],
  ['501 variables', members(501), 'more than 500 variables'],
  ['a list of 100,000', { of: Array.from({ length: 100_000 }, () => 'a') }, null],
  ['32 levels', { of: nested(32) }, null],
  ['33 levels', { of: nested(33) }, 'deeper than 32 levels'],
  ['100,000 levels', { of: nested(100_000) }, 'deeper than 32 levels'],
  ['null', null, null],
])('%s in the variables', (_name, variables, expected) => {
  if (expected === null) expect(refusalOf(variables)).toBe(null);
  else expect(refusalOf(variables)).toContain(expected);
});

it('no request has a form that it does not take', () => {
  fc.assert(
    fc.property(fc.anything(), fc.jsonValue({ maxDepth: 5 }), (body, variables) => {
      expect(variablesRefusal(body)).toBe(null);
      expect(() => refusalOf(variables)).not.toThrow();
    }),
  );
});
