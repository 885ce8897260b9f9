import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { openLevelStore } from '../graph-store/index.ts';
import { defaultEmbeddedLogSettings, openEmbeddedLog } from '../ingest/index.ts';
import { RunningCommand } from './pack/running-command.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, '..', 'cli', 'main.ts');
const storeBytes = 64 * 2 ** 20;
const withinMs = 60_000;
const pollMs = 100;
/** So that the product tries again soon, and the test need not wait for a long pause. */
const quick = ['--retry.backoff.max.ms', '500', '--log.format', 'text', '--log.level', 'info'];
const stackLine = /^ {4}at /m;

interface Topic {
  readonly topic: string;
  readonly state: string;
  readonly reason: string | null;
  readonly partition: number | null;
  readonly position: number | null;
  readonly consumed: number;
  readonly applied: number;
  readonly superseded: number;
  readonly filtered: number;
  readonly deadLettered: number;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'journey-graph-disk-faults-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function start(command: string, words: readonly string[]): RunningCommand {
  const running = new RunningCommand(command, words, tmpdir());
  onTestFinished(() => running.kill('SIGKILL'));
  return running;
}

function startUp(data: string, ...words: string[]): RunningCommand {
  return start(process.execPath, [main, 'up', '--port', '0', '--data', data, ...quick, ...words]);
}

async function urlOf(running: RunningCommand): Promise<string> {
  const [, url] = await running.printed(/(http:\/\/127\.0\.0\.1:\d+)\/\n/);
  if (url === undefined) throw new Error('the line has an address');
  return url;
}

async function topicsOf(running: RunningCommand): Promise<readonly Topic[]> {
  const query = `{ status { topics { topic state reason partition position consumed applied superseded filtered deadLettered } } }`;
  const response = await fetch(`${await urlOf(running)}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const answer: { data: { status: { topics: readonly Topic[] } | null } | null } = await response.json();
  return answer.data?.status?.topics ?? [];
}

async function until(
  running: RunningCommand,
  what: string,
  holds: (topics: readonly Topic[]) => boolean,
): Promise<readonly Topic[]> {
  const deadline = systemClock.now() + withinMs;
  for (;;) {
    const topics = await topicsOf(running);
    if (holds(topics)) return topics;
    if (systemClock.now() > deadline) {
      throw new Error(
        `not within ${withinMs} ms: ${what}; ${JSON.stringify(topics)}\n${running.output.slice(-4000)}`,
      );
    }
    await systemClock.sleep(pollMs);
  }
}

async function stopped(running: RunningCommand): Promise<void> {
  running.kill('SIGTERM');
  expect(await running.exited, running.output.slice(-4000)).toEqual({ code: 0, signal: null });
  // An unhandled rejection, or any other bug, leaves a stack.
  expect(running.output).not.toMatch(stackLine);
}

/** Of every partition that has records, the dead letters' apart. */
async function endsOf(data: string): Promise<ReadonlyMap<string, number>> {
  const log = await openEmbeddedLog({ ...defaultEmbeddedLogSettings, folder: join(data, 'log') });
  try {
    const topics = log.topics().filter(({ topic }) => !topic.endsWith('.dlq'));
    const ends = topics.flatMap(({ topic }) =>
      log.ends(topic).map(({ end }, partition) => [`${topic}/${partition}`, Number(end)] as const),
    );
    return new Map(ends.filter(([, end]) => end > 0));
  } finally {
    await log.close();
  }
}

/** Reads the log to its end and tells the digest of the graph; every record has a fate. */
async function digestAtTheEnd(data: string): Promise<string> {
  const ends = await endsOf(data);
  const running = startUp(data, '--demo', 'off');
  const isThere = (topics: readonly Topic[]): boolean =>
    topics.filter(({ topic, partition, position }) => Number(position) === ends.get(`${topic}/${partition}`))
      .length === ends.size;
  for (const { topic, consumed, ...fates } of await until(running, 'the end of the log', isThere)) {
    const told = fates.applied + fates.superseded + fates.filtered + fates.deadLettered;
    expect(Number(consumed), topic).toBe(told);
  }
  await stopped(running);
  const store = await openLevelStore({ folder: join(data, 'store') }, systemClock);
  try {
    return (await store.digest()).hex;
  } finally {
    await store.close();
  }
}

/** A store that never met a fault, of the same log. */
async function digestOfAnother(data: string): Promise<string> {
  const other = temporaryFolder();
  cpSync(join(data, 'log'), join(other, 'log'), { recursive: true });
  return await digestAtTheEnd(other);
}

describe('The product whose disk fails', () => {
  it('pauses while the store has no space, says why, resumes by itself, and has the right graph', async (ctx) => {
    const data = temporaryFolder();
    const disk = join(data, 'store');
    mkdirSync(disk);
    const words = ['-t', 'tmpfs', '-o', `size=${storeBytes}`, 'tmpfs', disk];
    const refusal = await run('mount', words).then(
      () => null,
      (error: unknown) => String(error),
    );
    if (refusal !== null) ctx.skip(`a small disk cannot be mounted here: ${refusal}`);
    onTestFinished(async () => {
      await run('umount', ['--lazy', disk]);
    });

    const running = startUp(data, '--demo.events.per.second', '2000');
    await until(running, 'events are applied', (topics) => topics.some(({ applied }) => applied > 100));
    const { stderr } = spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4096']);
    expect(String(stderr)).toContain('No space left on device');

    await until(running, 'a topic pauses for want of space', (topics) =>
      topics.some(({ state, reason }) => state === 'PAUSED' && /No space left on device/.test(reason ?? '')),
    );
    const status = await run(process.execPath, [main, 'status', '--url', await urlOf(running)]);
    expect(status.stdout).toMatch(/PAUSED.*No space left on device/);

    rmSync(join(disk, 'filler'));
    await running.printed(/ Resumed\./);
    const before = (await topicsOf(running)).reduce((sum, { applied }) => sum + Number(applied), 0);
    await until(
      running,
      'every topic runs again and more is applied',
      (topics) =>
        topics.length > 0 &&
        topics.every(({ state }) => state === 'RUNNING') &&
        topics.reduce((sum, { applied }) => sum + Number(applied), 0) > before,
    );
    await stopped(running);
    expect(await digestAtTheEnd(data)).toBe(await digestOfAnother(data));
  }, 180_000);

  it.skipIf(process.platform === 'win32')(
    'resumes by itself after every write that the system refuses, and has the right graph',
    async () => {
      const data = temporaryFolder();
      // No file may grow beyond 2 MiB, less than the logs of the store and of the embedded log want.
      const limited = 'ulimit -f 4096; exec "$0" "$@"';
      const words = ['up', '--port', '0', '--data', data, ...quick, '--demo.events.per.second', '2000'];
      const running = start('sh', ['-c', limited, process.execPath, main, ...words]);
      await running.printed(/ warn .*(File too large|could not be written)/);
      await running.printed(/ Resumed\./);
      const before = (await topicsOf(running)).reduce((sum, { applied }) => sum + Number(applied), 0);
      await until(
        running,
        'more is applied',
        (topics) => topics.reduce((sum, { applied }) => sum + Number(applied), 0) > before,
      );
      await stopped(running);
      expect(await digestAtTheEnd(data)).toBe(await digestOfAnother(data));
    },
    180_000,
  );
});
