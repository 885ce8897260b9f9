import { describe, expect, it } from 'vitest';
import { Grant, tellsUsedTo } from './grant.ts';
import { callerWith, policyFrom } from './policy-testing.ts';

const policy = policyFrom(`
version: 1
scopes:
  graph:
    operations: [node]
    nodes: { "*": { rows: all, fields: all } }
    edges: { "*": { fields: all } }
  some-steps: { operations: [], steps: { streaming: { fields: all } } }
  steps: { operations: [], steps: { "*": { fields: all } } }
`);

describe('How much was read for a query', () => {
  it.each([
    [['graph'], false],
    [['graph', 'some-steps'], false],
    [['steps'], false],
    [['graph', 'steps'], true],
  ])('is told to callers of the scopes %s: %s', (scopes, tells) => {
    expect(tellsUsedTo(new Grant(policy, callerWith(scopes)))).toBe(tells);
  });

  it('is told to whom no policy holds for', () => {
    expect(tellsUsedTo(null)).toBe(true);
  });
});
