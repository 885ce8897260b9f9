import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

const root = join(import.meta.dirname, '..');
/** Says of each module that is loaded where it is, on a stream that the command does not use. */
const spy = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs';
  import { registerHooks } from 'node:module';
  registerHooks({ load: (url, context, next) => { writeSync(3, url + '\\n'); return next(url, context); } });
`)}`;

/** Rooms of the product that a command line loads. */
function roomsOf(commandLine: readonly string[]): readonly string[] {
  const main = join(import.meta.dirname, 'main.ts');
  const { output } = spawnSync(process.execPath, ['--import', spy, main, ...commandLine], {
    cwd: tmpdir(),
    encoding: 'utf8',
    timeout: 25_000,
    env: {},
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const urls = (output[3] ?? '').split('\n').filter((url) => url.startsWith('file:'));
  const paths = urls.map((url) => relative(root, fileURLToPath(url)));
  const folders = paths.map((path) => path.split(/[\\/]/)[0] ?? '');
  return [...new Set(folders)].filter((folder) => folder !== 'node_modules').toSorted();
}

describe('A command line waits for no room that it does not need', () => {
  const light = ['cli', 'client', 'config', 'device', 'foundation'];
  it.each([
    [['--version']],
    [['--help']],
    [['up', '--help']],
    [['up', '--port', '99999']],
    [['config', 'show']],
    [['status', '--url', 'http://127.0.0.1:1']],
    [['journey', 'Account:a', '--url', 'http://127.0.0.1:1']],
  ])('%j', (commandLine) => {
    expect(roomsOf(commandLine)).toEqual(light);
  });

  it('and loads those of a command that it names', () => {
    expect(roomsOf(['mapping', 'functions'])).toContain('processors');
    expect(roomsOf(['help', 'store'])).toContain('graph-store');
  });
});

it('The help of jg is the same whether the commands are loaded or not', async () => {
  const helpWith = async (...words: readonly string[]): Promise<string> => {
    const io = fakeIo();
    await runProgram(['--help', ...words], io);
    return io.written.out;
  };
  const help = await helpWith();
  const names = [...(help.split('Commands:\n')[1] ?? '').matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name);
  expect(names).toEqual([
    ...[
      'up',
      'ingest',
      'journey',
      'query',
      'api',
      'status',
      'audience',
      'gateway',
      'game',
      'live',
      'store',
      'graph',
      'export',
      'dlq',
      'archive',
      'backfill',
      'config',
      'schema',
      'mapping',
    ],
    'help',
  ]);
  expect(await helpWith('no-command', 'api', 'store', 'schema', 'mapping')).toBe(help);
});
