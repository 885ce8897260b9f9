import { buildSchema, type GraphQLSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { PreparedOperations } from './prepared-operations.ts';

/** One that can be prepared: what it reads says its cost. */
function schemaOf(): GraphQLSchema {
  const schema = buildSchema('type Query { name: String }');
  const field = schema.getQueryType()?.getFields().name;
  if (field !== undefined) {
    field.resolve = () => 'a';
    field.extensions = { cost: () => ({ own: { calls: 1, rows: 1 }, objects: 1, cheaper: [] }) };
  }
  return schema;
}

const text = '{ name }';

describe('Operations that were asked before', () => {
  it('are those of one schema', () => {
    const [before, after] = [schemaOf(), schemaOf()];
    const operations = new PreparedOperations();
    operations.learn(before, text, parse(text));
    expect(operations.find(before, text)?.schema).toBe(before);
    expect([operations.find(after, text), operations.isKnown(after, text)]).toEqual([null, false]);
    operations.learn(after, text, parse(text));
    expect(operations.find(after, text)?.schema).toBe(after);
    expect([operations.find(before, text), operations.isKnown(before, text)]).toEqual([null, false]);
  });

  it('are known also where they cannot be prepared', () => {
    const schema = schemaOf();
    const operations = new PreparedOperations();
    const twice = '{ __typename name }';
    operations.learn(schema, twice, parse(twice));
    expect([operations.isKnown(schema, twice), operations.find(schema, twice)]).toEqual([true, null]);
  });

  it('are forgotten when they were not asked for longest, beyond 500 or 2 MiB', () => {
    const schema = schemaOf();
    const operations = new PreparedOperations();
    const numbered = (i: number): string => `query Q${i} { name }`;
    for (let i = 0; i < 500; i += 1) operations.learn(schema, numbered(i), parse(numbered(i)));
    expect(operations.find(schema, numbered(0))).not.toBeNull();
    operations.learn(schema, numbered(500), parse(numbered(500)));
    expect([0, 1, 500].map((i) => operations.isKnown(schema, numbered(i)))).toEqual([true, false, true]);
    const large = `{ name } #${'x'.repeat(2 * 2 ** 20 - 40)}`;
    operations.learn(schema, large, parse(large));
    expect([0, 500].map((i) => operations.isKnown(schema, numbered(i)))).toEqual([false, true]);
    expect(operations.isKnown(schema, large)).toBe(true);
  });
});
