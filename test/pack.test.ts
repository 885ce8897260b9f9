import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { installInto, packInto, run } from './pack/installed-package.ts';
import { RunningCommand } from './pack/running-command.ts';

/** Packing compiles; installing may have to fetch the packages that npm's cache lacks. */
const installTimeoutMs = 400_000;

describe('the package as a stranger installs it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'journey-graph-pack-'));
  const home = join(folder, 'stranger');
  const jg = join(home, 'node_modules', '.bin', 'jg');

  beforeAll(() => {
    installInto(home, packInto(folder));
  }, installTimeoutMs);

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('helps', () => {
    expect(run(jg, ['--help'], home)).toContain('up');
  });

  it('carries the licence and compiled code, and neither sources nor tests', () => {
    const listed = run(
      'find',
      [
        join('node_modules', 'journey-graph'),
        '-type',
        'f',
        '-not',
        '-path',
        '*/node_modules/*/node_modules/*',
      ],
      home,
    );
    const files = listed
      .trim()
      .split('\n')
      .map((path) => path.replace('node_modules/journey-graph/', ''));
    expect(files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts']),
    );
    expect(files.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))).toEqual([]);
    expect(files.filter((path) => /\.test\.|conformance|^(test|bench)\//.test(path))).toEqual([]);
  });

  it('can be imported, with types', () => {
    writeFileSync(
      join(home, 'reader.ts'),
      `import { JourneyGraphError, StopError, type NodeRef } from 'journey-graph';
export const ref: NodeRef = { type: 'member', id: 'm1' };
const error: JourneyGraphError = new StopError('EXAMPLE', 'an example');
// @ts-expect-error: a type that is not there would be any, and would accept this
export const code: number = error.code;
console.log(error.reaction);
`,
    );
    compile('reader.ts');
    expect(run(process.execPath, ['reader.js'], home)).toBe('stop\n');
  });

  function compile(file: string): void {
    const modules = join(import.meta.dirname, '..', 'node_modules');
    const tsc = join(modules, '.bin', 'tsc');
    const flags = [
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--lib',
      'es2024,dom',
      '--rewriteRelativeImportExtensions',
      '--types',
      'node',
      '--typeRoots',
      join(modules, '@types'),
    ];
    run(tsc, [...flags, file], home);
  }

  it('has a client that runs as the documents say, with types of the server that it asks', async () => {
    const up = new RunningCommand(jg, ['up', '--port', '0', '--data', join(folder, 'client-data')], home);
    onTestFinished(() => up.kill('SIGKILL'));
    const [url] = await up.printed(/http:\/\/127\.0\.0\.1:\d+/);
    const journey = { query: '{ journey(of: {type: "Account", id: "acc-000001"}) { edges { cursor } } }' };
    const headers = { 'content-type': 'application/json' };
    const answer = async (): Promise<string> =>
      await (
        await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify(journey) })
      ).text();
    await expect.poll(answer, { timeout: 60_000, interval: 250 }).toContain('"cursor"');
    writeFileSync(join(home, 'graph.ts'), run(jg, ['api', 'types', '--url', url], home));
    const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'api.md'), 'utf8');
    const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
    expect(example).toContain("from 'journey-graph/client'");
    writeFileSync(join(home, 'example.ts'), example.replaceAll('http://127.0.0.1:4000', url));
    compile('example.ts');
    expect(run(process.execPath, ['example.js'], home)).toMatch(/^\d{4}-\d\d-\d\dT\S+ \w+/m);
    up.kill('SIGINT');
    expect(await up.exited, up.output).toEqual({ code: 0, signal: null });
  });

  it('has a device client that runs as its README says, with types', () => {
    const page = readFileSync(join(import.meta.dirname, '..', 'device', 'README.md'), 'utf8');
    const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
    expect(example).toContain("from 'journey-graph/device'");
    // What a page has around it; nothing listens at that port.
    writeFileSync(
      join(home, 'device.ts'),
      `const localStorage = { getItem: (): null => null, setItem: (): void => {}, removeItem: (): void => {} };
const page = { show: async (...shown: unknown[]) => {}, state: (...state: unknown[]) => {} };
${example.replaceAll('https://graph.example', 'http://127.0.0.1:9')}
// @ts-expect-error: a type that is not there would be any, and would accept this
export const version: string = device.status.version;
await device.close();
console.log(device.status.connection);
`,
    );
    compile('device.ts');
    expect(run(process.execPath, ['device.js'], home)).toBe('stopped\n');
  });

  it('starts, answers a query, and stops cleanly at Ctrl-C', async () => {
    const up = new RunningCommand(jg, ['up', '--port', '0', '--data', join(folder, 'data')], home);
    onTestFinished(() => up.kill('SIGKILL'));
    const [url] = await up.printed(/http:\/\/127\.0\.0\.1:\d+\//);
    const response = await fetch(new URL('graphql', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ __typename status { __typename } }' }),
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ data: { __typename: 'Query' } });
    up.kill('SIGINT');
    expect(await up.exited, up.output).toEqual({ code: 0, signal: null });
  });
});
