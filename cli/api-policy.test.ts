import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

/** The policy that docs/api.md shows. */
const documented = /```yaml\n(version: 1\nscopes:[\s\S]*?)```/.exec(
  readFileSync(join(import.meta.dirname, '..', 'docs', 'api.md'), 'utf8'),
)?.[1];

function folder(files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'jg-policy-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

async function check(path: string, ...more: readonly string[]) {
  const io = fakeIo();
  const code = await runProgram(['api', 'policy', 'check', join(path, 'policy.yaml'), ...more], io);
  return { code, ...io.written };
}

describe('jg api policy check', () => {
  it('takes the policy of the documentation', async () => {
    const path = folder({ 'policy.yaml': documented ?? '' });
    const { code, out } = await check(path);
    expect([code, out]).toEqual([
      0,
      `${join(path, 'policy.yaml')} is right: 3 scopes, compares with \`tenant\`, \`sub\`.\n`,
    ]);
  });

  it('says all that is wrong, each with its place', async () => {
    const path = folder({ 'policy.yaml': 'version: 1\nscopes:\n  read:\n    operation: [node]\n' });
    const { code, err } = await check(path);
    expect(code).toBe(2);
    expect(err).toContain('error POLICY_INVALID: The policy is not valid:');
    expect(err).toContain('policy.yaml:4:5: `operation` means nothing here (did you mean `operations`?)');
    expect(err).toContain('policy.yaml:4:5: `operations` is missing');
  });

  it.each<[string, object, string, number, readonly string[]]>([
    [
      'depends on a property',
      { scope: 'journeys:read', tenant: 'acme' },
      'Account:a',
      0,
      [
        'That depends on the graph:',
        'Scope `journeys:read`: it is shown if its property `tenant` is "acme" (claim `tenant`).',
        'It shows country, plan.',
      ],
    ],
    [
      'is missing a claim',
      { scope: 'journeys:read' },
      'Account:a',
      1,
      ['No.', 'the claim `tenant` is missing, which equals nothing'],
    ],
    [
      'is about the caller',
      { scp: ['self:read'], sub: 'a' },
      'Account:a',
      0,
      ['Yes.', 'its id is "a" (claim `sub`)', 'It shows all of its properties.'],
    ],
    [
      'is about somebody else',
      { scp: ['self:read'], sub: 'b' },
      'Account:a',
      1,
      ['No.', 'its id is not "b" (claim `sub`)'],
    ],
    ['is for everybody', { scope: 'journeys:read' }, 'Title:t', 0, ['Yes.', 'shows all nodes of that type']],
    [
      'leads over an edge',
      { scope: 'journeys:read' },
      'Device:d',
      0,
      ['That depends on the graph:', 'it is led to over `USED` by a `Account`'],
    ],
    ['knows no such scope', { scope: 'other' }, 'Title:t', 1, ['No.', 'The policy knows no scope `other`.']],
    [
      'names no such type',
      { scope: 'journeys:read' },
      'Payment:p',
      1,
      ['No.', 'names no nodes of type `Payment`'],
    ],
  ])(
    'says why a caller may read a node, or may not: one that %s',
    async (_name, claims, node, code, sentences) => {
      const path = folder({ 'policy.yaml': documented ?? '', 'claims.json': JSON.stringify(claims) });
      const answer = await check(path, '--as', join(path, 'claims.json'), '--can-read', node);
      expect([answer.code, answer.err]).toEqual([code, '']);
      for (const sentence of sentences) expect(answer.out).toContain(sentence);
    },
  );

  it.each<[string, readonly string[], string]>([
    ['half a question', ['--can-read', 'Account:a'], 'UNEXPECTED_ARGUMENT'],
    ['a node that is none', ['--as', 'claims.json', '--can-read', 'Account'], 'UNEXPECTED_ARGUMENT'],
    ['claims that are no object', ['--as', 'list.json', '--can-read', 'Account:a'], 'CLAIMS_INVALID'],
    ['claims that are no JSON', ['--as', 'policy.yaml', '--can-read', 'Account:a'], 'CLAIMS_INVALID'],
    ['a file that is not there', ['--as', 'gone.json', '--can-read', 'Account:a'], 'ACCESS_FILE_UNREADABLE'],
  ])('refuses %s', async (_name, more, code) => {
    const path = folder({ 'policy.yaml': documented ?? '', 'claims.json': '{}', 'list.json': '[]' });
    const placed = more.map((part) => (/\.(json|yaml)$/.test(part) ? join(path, part) : part));
    const answer = await check(path, ...placed);
    expect(answer.code).toBe(2);
    expect(answer.err).toContain(`error ${code}: `);
  });
});
