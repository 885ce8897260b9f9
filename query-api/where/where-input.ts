import { GraphQLBoolean, GraphQLInputObjectType, GraphQLList, GraphQLNonNull, GraphQLString } from 'graphql';
import type { PropertyValue } from '../../graph-store/index.ts';
import { badInput } from '../api-error.ts';
import type { Comparison, Predicate } from './predicate.ts';
import { valueScalar } from './value-scalar.ts';

/** As GraphQL gives it: one object may hold several conditions, which then all have to hold. */
export interface WhereInput {
  readonly all?: readonly WhereInput[] | null;
  readonly any?: readonly WhereInput[] | null;
  readonly not?: WhereInput | null;
  readonly property?: string | null;
  readonly eq?: PropertyValue;
  readonly ne?: PropertyValue;
  readonly lt?: PropertyValue;
  readonly lte?: PropertyValue;
  readonly gt?: PropertyValue;
  readonly gte?: PropertyValue;
  readonly has?: PropertyValue;
  readonly in?: readonly PropertyValue[] | null;
  readonly prefix?: string | null;
  readonly exists?: boolean | null;
}

export const conditionsMax = 64;
export const valuesMax = 1000;
const compared = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'has'] as const;

/** Properties by name, of whatever type: where the type is known, its own input checks names and kinds. */
export const whereInput: GraphQLInputObjectType = new GraphQLInputObjectType({
  name: 'WhereInput',
  description:
    'Conditions on properties. All that one object says has to hold; what is absent compares with nothing but `ne` and `exists: false`.',
  fields: () => ({
    all: { type: new GraphQLList(new GraphQLNonNull(whereInput)) },
    any: { type: new GraphQLList(new GraphQLNonNull(whereInput)) },
    not: { type: whereInput },
    property: { type: GraphQLString, description: 'Which property the comparisons beside it are about.' },
    ...Object.fromEntries(compared.map((name) => [name, { type: valueScalar }])),
    in: { type: new GraphQLList(new GraphQLNonNull(valueScalar)) },
    prefix: { type: GraphQLString },
    exists: { type: GraphQLBoolean },
  }),
});

/** Throws a GraphQLError `BAD_USER_INPUT` that names `argument`. */
export function readWhere(argument: string, input: WhereInput): Predicate {
  const budget = { left: conditionsMax };
  const predicate = read(argument, input, budget);
  return predicate;
}

function read(argument: string, input: WhereInput, budget: { left: number }): Predicate {
  budget.left -= 1;
  if (budget.left < 0) throw badInput(argument, `at most ${conditionsMax} conditions`);
  const nested = (list: readonly WhereInput[]): Predicate[] => list.map((one) => read(argument, one, budget));
  const of: Predicate[] = [];
  if (input.all != null) of.push({ kind: 'all', of: nested(input.all) });
  if (input.any != null) of.push({ kind: 'any', of: nested(input.any) });
  if (input.not != null) of.push({ kind: 'not', of: read(argument, input.not, budget) });
  const comparisons = comparisonsOf(argument, input);
  const name = input.property ?? null;
  if (name === null && comparisons.length > 0) throw badInput(argument, '`property` beside a comparison');
  if (name !== null && comparisons.length === 0) throw badInput(argument, 'a comparison beside `property`');
  if (name !== null)
    of.push(...comparisons.map((comparison) => ({ kind: 'property', name, comparison }) as const));
  return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'all', of };
}

function comparisonsOf(argument: string, input: WhereInput): Comparison[] {
  const found: Comparison[] = [];
  for (const operator of compared) {
    const value = input[operator];
    if (value === undefined) continue;
    if (value === null) throw badInput(argument, '`exists` instead of a comparison with null');
    found.push({ operator, value });
  }
  if (input.in != null) {
    if (input.in.length > valuesMax) throw badInput(argument, `at most ${valuesMax} values`);
    found.push({ operator: 'in', values: input.in });
  }
  if (input.prefix != null) found.push({ operator: 'prefix', value: input.prefix });
  if (input.exists != null) found.push({ operator: 'exists', value: input.exists });
  return found;
}
