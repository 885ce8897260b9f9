import {
  type FragmentDefinitionNode,
  GraphQLID,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import { queryLimitsDefault } from '../api-context.ts';
import type { CostContext, FieldCost } from './field-cost.ts';
import type { PlannedOperation } from './query-plan.ts';

interface First {
  readonly first: number;
}

/** `first` friends, read for 10 parents at once. */
const costOfFriends: FieldCost<First> = ({ first }) => ({
  own: { calls: 1, rows: first },
  objects: first,
  callsOf: (parents) => Math.ceil(parents / 10),
  cheaper: [{ argument: 'first', value: first, least: 1 }],
});

interface Hops {
  readonly hops: readonly { readonly limit: number }[];
}

const costOfTraverse: FieldCost<Hops> = ({ hops }) => ({
  own: { calls: hops.length, rows: hops.reduce((rows, { limit }) => rows * limit, 1) },
  objects: 1,
  cheaper: hops.map(({ limit }, index) => ({ argument: `hops.${index}.limit`, value: limit, least: 1 })),
});

const oneRead: FieldCost<unknown> = () => ({ own: { calls: 1, rows: 1 }, objects: 1, cheaper: [] });
const costOfPosts: FieldCost<unknown> = () => ({ own: { calls: 1, rows: 7 }, objects: 7, cheaper: [] });

const first = { first: { type: GraphQLInt, defaultValue: 5 } };

const being: GraphQLInterfaceType = new GraphQLInterfaceType({
  name: 'Being',
  fields: () => ({ id: { type: GraphQLID }, friends: { type: new GraphQLList(being), args: first } }),
});

function beingType(name: string, more: object = {}): GraphQLObjectType {
  return new GraphQLObjectType({
    name,
    interfaces: [being],
    fields: () => ({
      id: { type: GraphQLID },
      friends: { type: new GraphQLList(being), args: first, extensions: { cost: costOfFriends } },
      ...more,
    }),
  });
}

const post = new GraphQLObjectType({
  name: 'Post',
  fields: () => ({ id: { type: GraphQLID }, author: { type: person, extensions: { cost: oneRead } } }),
});
const person: GraphQLObjectType = beingType('Person', {
  posts: { type: new GraphQLList(post), extensions: { cost: costOfPosts } },
});

const hop = new GraphQLInputObjectType({ name: 'Hop', fields: { limit: { type: GraphQLInt } } });

export const testSchema = new GraphQLSchema({
  types: [person, beingType('Robot')],
  query: new GraphQLObjectType({
    name: 'Query',
    fields: {
      person: { type: person, args: { id: { type: GraphQLID } }, extensions: { cost: oneRead } },
      being: { type: being, extensions: { cost: oneRead } },
      traverse: {
        type: GraphQLInt,
        args: { hops: { type: new GraphQLList(new GraphQLNonNull(hop)) } },
        extensions: { cost: costOfTraverse },
      },
    },
  }),
});

export const testContext: CostContext = {
  limits: queryLimitsDefault,
  degrees: { rowsOfHop: () => null },
  nowMs: 0,
};

export function asked(
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
  schema: GraphQLSchema = testSchema,
): PlannedOperation {
  const { definitions } = parse(query);
  const fragments = new Map<string, FragmentDefinitionNode>();
  let operation: OperationDefinitionNode | null = null;
  for (const one of definitions) {
    if (one.kind === Kind.FRAGMENT_DEFINITION) fragments.set(one.name.value, one);
    if (one.kind === Kind.OPERATION_DEFINITION) operation ??= one;
  }
  if (operation === null) throw new TypeError('the query has no operation');
  return { schema, operation, fragments, variables };
}
