import {
  type GraphQLFieldConfig,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  Kind,
  parse,
} from 'graphql';
import { expect, it } from 'vitest';
import { must } from '../../foundation/index.ts';
import { stepTextOf } from './step-text.ts';

/** Whether edges whose cursor is such a field are written from rows. */
function isFromRows(cursor: Partial<GraphQLFieldConfig<unknown, unknown>>): boolean {
  const field = { type: new GraphQLNonNull(GraphQLString), ...cursor };
  const edgeType = new GraphQLObjectType({ name: 'JourneyEdge', fields: { cursor: field } });
  const [operation] = parse('{ edges { cursor } }').definitions;
  const [edges] = operation?.kind === Kind.OPERATION_DEFINITION ? operation.selectionSet.selections : [];
  const node = must(edges?.kind === Kind.FIELD ? edges : null, 'edges are a field');
  const selected = { schema: new GraphQLSchema({ types: [edgeType] }), fragments: new Map() };
  return stepTextOf(selected, edgeType, [node]) !== null;
}

it('Edges are written from rows', () => {
  expect(isFromRows({})).toBe(true);
});

it.each<[string, Partial<GraphQLFieldConfig<unknown, unknown>>]>([
  ['has a resolver of its own', { resolve: () => 'x' }],
  ['takes an argument', { args: { of: { type: GraphQLString } } }],
  ['costs something', { extensions: { cost: () => 1 } }],
])('Edges are made of objects where a field that is selected %s', (_what, cursor) => {
  expect(isFromRows(cursor)).toBe(false);
});
