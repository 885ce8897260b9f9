import { buildSchema, Kind, type OperationDefinitionNode, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { coercedVariables } from '../cost/cost-check.ts';
import { variableReader } from './variable-reader.ts';

const schema = buildSchema(`
  enum Order { UP DOWN }
  input Ref { id: ID! }
  type Query { any(id: ID, text: String, count: Int, order: Order, ref: Ref, ids: [ID!]): Int }
`);

function operationOf(variables: string): OperationDefinitionNode {
  const [operation] = parse(`query(${variables}) { any }`).definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('a query is an operation');
  return operation;
}

describe('What reads the variables of an operation', () => {
  it.each<readonly [name: string, declared: string, given: Readonly<Record<string, unknown>>]>([
    ['scalars', '$id: ID!, $text: String, $count: Int!', { id: 'a', text: 'b', count: 3 }],
    ['an id that is a number', '$id: ID!', { id: 7 }],
    ['an enum', '$order: Order!', { order: 'DOWN' }],
    ['more than is declared', '$id: ID!', { id: 'a', other: 1 }],
    ['null', '$id: ID', { id: null }],
    ['nothing', '$id: ID, $count: Int', {}],
    ['a default', '$id: ID = "d", $count: Int = 2', { count: 5 }],
    ['an inherited name', '$toString: String, $id: ID', { id: 'a' }],
    ['an object and a list', '$ref: Ref!, $ids: [ID!]', { ref: { id: 1 }, ids: 'a' }],
    ['a scalar of another kind', '$count: Int!', { count: 'three' }],
    ['an unknown value of an enum', '$order: Order!', { order: 'LEFT' }],
    ['null where none may be', '$id: ID!', { id: null }],
    ['nothing where something must be', '$id: ID!', {}],
  ])('says of %s what GraphQL says', (_name, declared, given) => {
    const operation = operationOf(declared);
    expect(variableReader(schema, operation)(given)).toEqual(coercedVariables(schema, operation, given));
  });

  it('finds what is wrong wrong, and what is good good', () => {
    const read = variableReader(schema, operationOf('$id: ID!, $count: Int!'));
    expect(read({ id: 'a', count: 'three' })).toBeNull();
    expect(read({ id: 'a', count: 3 })).toEqual({ id: 'a', count: 3 });
  });
});
