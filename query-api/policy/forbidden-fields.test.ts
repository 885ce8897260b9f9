import {
  type GraphQLFieldConfigMap,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  parse,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { firstForbidden } from './forbidden-fields.ts';
import { Grant } from './grant.ts';
import { callerWith, policyFrom } from './policy-testing.ts';
import type { Reads } from './reads.ts';

const grant = new Grant(
  policyFrom(`
version: 1
scopes:
  a: { operations: [node, journeySteps], nodes: { Account: { rows: all, fields: [plan] } }, edges: { WATCHED: { fields: [] } } }
  b: { operations: [freezeAudience], nodes: { "*": { rows: [{ property: tenant, equalsClaim: tenant }], fields: [mail] } } }
`),
  callerWith(['a']),
);

function reads(what: Reads): { readonly extensions: { readonly reads: Reads } } {
  return { extensions: { reads: what } };
}

const named = new GraphQLInterfaceType({ name: 'Named', fields: { plan: { type: GraphQLString } } });
const account: GraphQLObjectType = new GraphQLObjectType({
  name: 'Member',
  interfaces: [named],
  ...reads({ nodeType: 'Account' }),
  fields: (): GraphQLFieldConfigMap<unknown, unknown> => ({
    plan: { type: GraphQLString, ...reads({ property: 'plan' }) },
    mail: { type: GraphQLString, ...reads({ property: 'mail' }) },
    watched: { type: new GraphQLList(account), ...reads({ edgeType: 'WATCHED' }) },
    paid: { type: new GraphQLList(account), ...reads({ edgeType: 'PAID' }) },
    journey: { type: GraphQLString },
  }),
});
const roots = (name: string, ...fields: readonly string[]): GraphQLObjectType =>
  new GraphQLObjectType({
    name,
    fields: Object.fromEntries(fields.map((field) => [field, { type: GraphQLString }])),
  });
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: 'Query',
    fields: {
      member: { type: account, ...reads({ operation: 'node', nodeType: 'Account' }) },
      free: { type: GraphQLString, ...reads({ operation: null }) },
      status: { type: GraphQLString },
    },
  }),
  mutation: roots('Mutation', 'freezeAudience'),
  subscription: roots('Subscription', 'journeySteps', 'figures'),
});

function forbiddenIn(source: string, by = grant): unknown {
  const document = parse(source);
  const operation = document.definitions.find((definition) => definition.kind === 'OperationDefinition');
  if (operation === undefined) throw new Error('no operation');
  return firstForbidden(schema, document, operation, by)?.extensions.forbidden ?? null;
}

describe('By its text alone, a query', () => {
  it.each<[string, string, string | null]>([
    [
      'of what is granted is fine',
      '{ member { plan watched { plan journey __typename } } free __typename }',
      null,
    ],
    ['of a property that is not', '{ member { watched { mail } } }', 'Member.mail'],
    ['that follows edges which are not', '{ member { paid { plan } } }', 'Member.paid'],
    ['of a root field that is not', '{ member { plan } status }', 'status'],
    ['that writes what is not', 'mutation { freezeAudience }', 'freezeAudience'],
    ['that waits for what is', 'subscription { journeySteps }', null],
    ['that waits for what is not', 'subscription { figures }', 'figures'],
    [
      'whose fragments go round in circles ends',
      '{ member { ...A } } fragment A on Member { watched { ...B } } fragment B on Member { watched { ...A } plan }',
      null,
    ],
    [
      'is not measured by a fragment that it does not use',
      'query One { free } query Two { ...C } fragment C on Query { status }',
      null,
    ],
  ])('%s', (_name, source, what) => {
    expect(forbiddenIn(source)).toBe(what);
  });

  it('is refused a field only where no scope could ever show it', () => {
    const policy = policyFrom(
      'version: 1\nscopes: { b: { operations: [node], nodes: { "*": { rows: [{ idEqualsClaim: sub }], fields: [mail] } } } }',
    );
    const other = new Grant(policy, callerWith(['b']));
    expect(forbiddenIn('{ member { mail } }', other)).toBeNull();
    expect(forbiddenIn('{ member { plan } }', other)).toBe('Member.plan');
  });
});
