import { buildSchema, type GraphQLSchema, Kind, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { must } from '../../foundation/index.ts';
import { testContext } from '../cost/cost-testing.ts';
import type { FieldCost } from '../cost/field-cost.ts';
import { planQuery } from '../cost/query-plan.ts';
import { PreparedOperation } from './prepared-operation.ts';

const callsOf = (parents: number): number => parents * 2;
const costOfSteps: FieldCost<{ readonly first: number }> = ({ first }) => ({
  own: { calls: 1, rows: first + 2 },
  objects: first,
  callsOf,
  pooled: { rows: first, most: 9, least: 1 },
  cheaper: [],
});

function schemaOf(): GraphQLSchema {
  const schema = buildSchema('type Step { id: ID } type Query { steps(of: ID!, first: Int! = 5): [Step] }');
  const steps = must(schema.getQueryType()?.getFields().steps, 'it was declared');
  steps.resolve = () => [];
  steps.extensions = { cost: costOfSteps };
  return schema;
}

const text = 'query($id: ID!, $n: Int!) { a: steps(of: $id, first: $n) { id } b: steps(of: "b") { id } }';

describe('The plan of an operation that was asked before', () => {
  it.each([1, 4, 40])('is the plan that it had before, with %i steps', (n) => {
    const schema = schemaOf();
    const document = parse(text);
    const prepared = must(PreparedOperation.of(schema, document), 'it reads at its root alone');
    const coerced = must(prepared.coerce({ id: 'a', n }), 'its variables are right');
    const [operation] = document.definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('it is a query');
    const asked = { schema, operation, fragments: new Map(), variables: coerced.variables };
    const { total, fields } = planQuery(asked, testContext);
    expect(prepared.plan(coerced, testContext)).toEqual({ total, fields });
    expect(total.calls).toBe(4);
  });
});
