import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { askStatus } from './main-job-answers.ts';
import { Product } from './main-job-product.ts';
import { describeWith } from './services/index.ts';

const root = join(import.meta.dirname, '..');
const topic = 'flights.ratings';
const pollMs = 100;
const withinMs = 30_000;

interface Command {
  readonly line: string;
  readonly expected: string;
}

/** Every `$ command` of the page's console blocks, with what it prints. */
function commandsOf(page: string): readonly Command[] {
  const blocks = [...page.matchAll(/```console\n([\s\S]*?)```/g)].map(([, block]) => block ?? '');
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const end = text.indexOf('\n');
        return { line: text.slice(0, end), expected: text.slice(end + 1) };
      }),
  );
}

/** Line by line; `…` stands for anything, alone on a line for any lines. */
function patternOf(expected: string): RegExp {
  const literal = expected.trimEnd().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(
    `^${literal.replace(/^…$/gm, '[\\s\\S]*?').replaceAll('…', '.*').replaceAll(/ +$/gm, '')}$`,
  );
}

async function run(line: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const jg = `jg() { "${process.execPath}" cli/main.ts "$@"; }; node() { "${process.execPath}" --no-warnings "$@"; }`;
  const options = { cwd: root, env: { ...process.env, ...environment } };
  // A check that finds a problem exits with 2, and what it found is what the page shows.
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', `${jg}; ${line} || [ $? -eq 2 ]`], options);
  return stdout.replace(/ +$/gm, '').trimEnd();
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock.now() + withinMs;
  while (!(await holds())) {
    if (systemClock.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await systemClock.sleep(pollMs);
  }
}

async function consumed(url: string): Promise<number> {
  return (await askStatus(url)).reduce((sum, row) => sum + Number(row.consumed), 0);
}

async function isInForce(url: string): Promise<boolean> {
  const query = '{ graphSchema { mappings { version } } }';
  const response = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return /"version":1/.test(await response.text());
}

describeWith('kafka', 'registry')('the walk in docs/walk.md', (services) => {
  it('prints what the page says, command by command, without a restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'journey-graph-walk-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const { bootstrapServers, registryUrl } = services;
    const product = Product.start({
      bootstrapServers,
      registryUrl,
      topics: [topic],
      dataFolder: join(folder, 'data'),
      sessionTimeoutMs: 10_000,
      logFile: join(folder, 'log'),
    });
    onTestFinished(() => product.kill());
    const url = await product.url(withinMs);
    const environment = { BROKERS: bootstrapServers, REGISTRY: registryUrl, URL: url, TMP: folder };
    const commands = commandsOf(await readFile(join(root, 'docs', 'walk.md'), 'utf8'));
    expect(commands.length).toBeGreaterThan(10);
    let published = 0;
    for (const { line, expected } of commands) {
      expect(await run(line, environment), line).toMatch(patternOf(expected));
      if (line.includes('publish.ts')) {
        published += Number(line.split(' ').at(-1));
        await until(`${published} ratings consumed`, async () => (await consumed(url)) === published);
      }
      if (line.includes('schema register')) await until('the mapping is in force', () => isInForce(url));
    }
    expect(await product.stop()).toBe('0');
  }, 120_000);
});
