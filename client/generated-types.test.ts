import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { testedTypes } from './client-testing.ts';

const root = join(import.meta.dirname, '..');

/** What tsc says of these modules, under the strictest flags that callers may have. */
function compile(modules: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'journey-graph-types-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(modules)) writeFileSync(join(folder, name), text);
  const compilerOptions = {
    ...{
      strict: true,
      noEmit: true,
      target: 'es2024',
      module: 'nodenext',
      lib: ['es2024', 'esnext.disposable'],
    },
    ...{ allowImportingTsExtensions: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
    ...{ isolatedModules: true, verbatimModuleSyntax: true, erasableSyntaxOnly: true, noUnusedLocals: true },
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    paths: { 'journey-graph/client': [join(root, 'client', 'index.ts')] },
  };
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
    encoding: 'utf8',
  });
  return `${stdout}${stderr}`;
}

const generated = JSON.stringify('./graph.ts');
const uses = `import { createClient } from 'journey-graph/client';
import { graph } from ${generated};

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const client = createClient({ url: 'http://127.0.0.1:4000', graph });

const { account } = await client.select({
  account: {
    $: { id: 'a' },
    country: true,
    logins: true,
    watched: {
      $: { first: 5, order: 'LATEST', where: { seconds: { gte: 60 }, node: { name: { prefix: 'D' } } } },
      edges: { time: true, seconds: true, node: { name: true, __typename: true } },
      pageInfo: { endCursor: true },
    },
  },
});
same<typeof account, {
  country: string | null;
  logins: number | string | null;
  watched: {
    edges: {
      time: string;
      seconds: number | string | null;
      node: { name: string | null; __typename: 'Title' } | null;
    }[];
    pageInfo: { endCursor: string | null };
  };
} | null>(true);

const { title } = await client.select({
  title: { $: { id: 't' }, watchedFrom: { edges: { node: { id: true, $on: { Guest: { mail: true }, Account: { country: true } } } } } },
});
for (const { node } of title?.watchedFrom.edges ?? []) {
  if (node?.__typename === 'Guest') same<typeof node.mail, string | null>(true);
  else if (node?.__typename === 'Account') same<typeof node.country, string | null>(true);
  const id: string | undefined = node?.id;
  console.log(id);
}

const { status } = await client.select({ status: { nodes: true, topics: { topic: true, state: true } } });
const state: 'IDLE' | 'RUNNING' | 'ELSEWHERE' | 'PAUSED' | 'STOPPED' | 'FINISHED' | undefined = status.topics[0]?.state;
console.log(state);

const { freezeAudience } = await client.mutate({
  freezeAudience: {
    $: { memberType: 'Account', name: 'n', key: 'k', where: { member: { property: 'country', eq: 'DE' } } },
    id: true,
    size: true,
    members: { $: { first: 2 }, nodes: { id: true } },
  },
});
same<typeof freezeAudience.id, string>(true);
same<typeof freezeAudience.members, { nodes: { id: string }[] } | null>(true);

// @ts-expect-error: there is no such mutation
await client.mutate({ meltAudience: { $: { id: 'a' } } });
// @ts-expect-error: a query is no mutation
await client.mutate({ account: { $: { id: 'a' }, country: true } });
// @ts-expect-error: a mutation is no query
await client.select({ deleteAudience: { $: { id: 'a' } } });
// @ts-expect-error: a key is needed
await client.mutate({ freezeAudience: { $: { memberType: 'Account', name: 'n', where: {} }, id: true } });

// @ts-expect-error: there is no such field
await client.select({ account: { $: { id: 'a' }, contry: true } });
// @ts-expect-error: an id is needed
await client.select({ account: { country: true } });
// @ts-expect-error: an object is selected from, not whole
await client.select({ account: { $: { id: 'a' }, watched: true } });
// @ts-expect-error: a leaf holds nothing
await client.select({ account: { $: { id: 'a' }, country: { name: true } } });
// @ts-expect-error: no such order
await client.select({ account: { $: { id: 'a' }, watched: { $: { order: 'NEWEST' }, edges: { time: true } } } });
// @ts-expect-error: no such argument
await client.select({ account: { $: { id: 'a' }, watched: { $: { last: 1 }, edges: { time: true } } } });
// @ts-expect-error: of another kind
await client.select({ account: { $: { id: 'a' }, watched: { $: { where: { seconds: { eq: true } } }, edges: { time: true } } } });
// @ts-expect-error: what was not selected is not there
account?.lineage;
`;

it('are TypeScript in which right selections compile and wrong ones do not', () => {
  expect(compile({ 'graph.ts': testedTypes(), 'uses.ts': uses })).toBe('');
});

it('fail a test when the compiler is given something wrong', () => {
  const wrong = uses.replace('logins: number | string | null', 'logins: number');
  expect(compile({ 'graph.ts': testedTypes(), 'uses.ts': wrong })).toContain('uses.ts(');
});
