import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPolicy } from './policy-reader.ts';

function problemsOf(...lines: readonly string[]): readonly string[] {
  return readPolicy('p.yaml', lines.join('\n')).problems;
}

const scope = ['version: 1', 'scopes:', '  read:', '    operations: [node]'];

describe('A policy', () => {
  it('is the same in YAML and in JSON', () => {
    const yaml = readPolicy(
      'p.yaml',
      `version: 1
scopes:
  read:
    operations: [node, journey]
    costBudget: 500
    nodes:
      Account: { rows: [{ property: tenant, equalsClaim: org }, { idEqualsClaim: sub }], fields: [plan] }
      Device: { rows: [{ over: USED, direction: in, node: Account }], fields: all, lineage: true }
    edges: { '*': { fields: [] } }
    steps: { ads: { fields: all } }`,
    );
    const json = readPolicy(
      'p.json',
      JSON.stringify({
        version: 1,
        scopes: {
          read: {
            operations: ['node', 'journey'],
            costBudget: 500,
            nodes: {
              Account: {
                rows: [{ property: 'tenant', equalsClaim: 'org' }, { idEqualsClaim: 'sub' }],
                fields: ['plan'],
              },
              Device: {
                rows: [{ over: 'USED', direction: 'in', node: 'Account' }],
                fields: 'all',
                lineage: true,
              },
            },
            edges: { '*': { fields: [] } },
            steps: { ads: { fields: 'all' } },
          },
        },
      }),
    );
    expect(json).toEqual(yaml);
    expect(yaml.problems).toEqual([]);
    expect([...(yaml.policy?.claims ?? [])]).toEqual(['org', 'sub']);
    expect(yaml.policy?.scopes.get('read')?.nodes.get('Device')).toEqual({
      rows: [{ kind: 'over', edge: 'USED', direction: 'in', node: 'Account' }],
      fields: 'all',
      lineage: true,
    });
  });

  it.each<[string, readonly string[], string]>([
    ['is no map', ['- a'], 'p.yaml:1:1: must be a map with version, scopes'],
    ['has no scopes', ['version: 1'], 'p.yaml:1:1: `scopes` is missing'],
    ['is of another version', ['version: 2', 'scopes: {}'], 'p.yaml:1:10: version must be 1'],
    [
      'has a name that means nothing',
      [...scope, '    node: {}'],
      'p.yaml:5:5: `node` means nothing here (did you mean `nodes`?)',
    ],
    ['has a name twice', [...scope, '    operations: [edge]'], 'p.yaml:5:5: Map keys must be unique'],
    [
      'says nothing of operations',
      ['version: 1', 'scopes: { read: {} }'],
      'p.yaml:2:17: `operations` is missing',
    ],
    [
      'says nothing of rows',
      [...scope, '    nodes: { A: { fields: all } }'],
      'p.yaml:5:17: `rows` is missing',
    ],
    [
      'says nothing of fields',
      [...scope, '    nodes: { A: { rows: all } }'],
      'p.yaml:5:17: `fields` is missing',
    ],
    [
      'has no rule among the rows',
      [...scope, '    nodes: { A: { rows: [], fields: all } }'],
      'p.yaml:5:25: rows must be `all` or a list of rules',
    ],
    [
      'has half a rule',
      [...scope, '    nodes: { A: { rows: [{property: a}], fields: all } }'],
      'p.yaml:5:26: `equalsClaim` is missing',
    ],
    [
      'has a rule with two meanings',
      [...scope, '    nodes: { A: { rows: [{idEqualsClaim: a, property: b}], fields: all } }'],
      'p.yaml:5:45: `property` means nothing here',
    ],
    [
      'leads somewhere unknown',
      [...scope, '    nodes: { A: { rows: [{over: E, direction: up, node: B}], fields: all } }'],
      'p.yaml:5:26: direction must be `out` or `in`, as seen from the node that the rule is about',
    ],
    [
      'names no node type',
      [...scope, '    nodes: { "A B": { rows: all, fields: all } }'],
      'p.yaml:5:14: `A B` is no name of a node type',
    ],
    [
      'has a number for a field',
      [...scope, '    edges: { E: { fields: [1] } }'],
      'p.yaml:5:28: must be the name of a property',
    ],
    [
      'has a budget of nothing',
      [...scope, '    costBudget: 0'],
      'p.yaml:5:17: costBudget must be a whole number above 0',
    ],
    [
      'has a lineage of a text',
      [...scope, '    edges: { E: { fields: all, lineage: "yes" } }'],
      'p.yaml:5:41: lineage must be true or false',
    ],
    [
      'uses an alias',
      ['version: &v 1', 'scopes: *v'],
      'p.yaml:2:9: an alias (`*name`) is not taken; quote a name that begins with *',
    ],
    ['uses a tag', ['version: !!int 1', 'scopes: !x {}'], 'p.yaml:2:9: '],
  ])('that %s is refused at its place', (_name, lines, problem) => {
    const problems = problemsOf(...lines);
    expect(
      problems.some((found) => found.startsWith(problem)),
      problems.join('\n'),
    ).toBe(true);
    expect(readPolicy('p.yaml', lines.join('\n')).policy).toBeNull();
  });

  it('is told of all its problems at once', () => {
    expect(problemsOf('version: 3', 'scopes: { a: { operations: [1], x: 2 } }')).toHaveLength(3);
  });

  it('never throws, whatever the text is', () => {
    const piece = fc.constantFrom(
      'version: 1\n',
      'scopes:',
      ' {',
      '}',
      '[',
      ']',
      '*',
      '&a',
      '!x',
      ': ',
      '\n  ',
      '- ',
      '"',
      'all',
      '\t',
      '? ',
      '__proto__',
    );
    const property = fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const { policy, problems } = readPolicy('p', pieces.join(''));
      expect(policy === null).toBe(problems.length > 0);
    });
    fc.assert(property, { numRuns: 500 });
  });
});
