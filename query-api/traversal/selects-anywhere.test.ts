import { type DocumentNode, type FragmentDefinitionNode, Kind, parse } from 'graphql';
import { expect, it } from 'vitest';
import { selectsAnywhere } from './selects-anywhere.ts';

function asked(text: string): boolean {
  const { definitions }: DocumentNode = parse(text);
  const fragments: Record<string, FragmentDefinitionNode> = {};
  for (const one of definitions) if (one.kind === Kind.FRAGMENT_DEFINITION) fragments[one.name.value] = one;
  const operation = definitions.find((one) => one.kind === Kind.OPERATION_DEFINITION);
  const fieldNodes = (operation?.selectionSet.selections ?? []).filter((one) => one.kind === Kind.FIELD);
  return selectsAnywhere({ fieldNodes, fragments }, 'properties');
}

it.each([
  ['is not selected', '{ traverse { hops { nodes { id via { time } } } } }', false],
  ['is selected', '{ traverse { hops { nodes { via { properties } } } } }', true],
  ['is selected by another name', '{ traverse { hops { nodes { via { said: properties } } } } }', true],
  ['is selected within an inline fragment', '{ traverse { ... on T { hops { properties } } } }', true],
  [
    'is selected within fragments of fragments',
    '{ traverse { ...A } } fragment A on T { ...B } fragment B on T { hops { properties } }',
    true,
  ],
  [
    'is not selected by fragments that nobody spreads',
    '{ traverse { id } } fragment A on T { properties }',
    false,
  ],
])('A field %s', (_name, text, answer) => {
  expect(asked(text)).toBe(answer);
});
