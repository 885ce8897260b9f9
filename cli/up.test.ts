import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ClassicLevel } from 'classic-level';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadSettings } from '../config/index.ts';
import { systemClock } from '../foundation/index.ts';
import { defaultEmbeddedLogSettings, openEmbeddedLog } from '../ingest/index.ts';
import { RunningCommand } from '../test/pack/running-command.ts';
import { fakeIo } from './command-io.fake.ts';
import { up } from './up.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, 'main.ts');
const figuresLine = /^[\d,]+ events\/s · /m;
const stackLine = /^ {4}at /m;

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'journey-graph-up-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `jg up` as a process of its own, on a free port unless another is named. */
function start(data: string, ...words: string[]): RunningCommand {
  // How slow the first queries are on a busy machine is not what is tested here.
  const command = [main, 'up', '--port', '0', '--query.slow.ms', '600000', '--data', data, ...words];
  const running = new RunningCommand(process.execPath, command, tmpdir());
  onTestFinished(() => running.kill('SIGKILL'));
  return running;
}

/** A start that is to fail: its exit code, and the one sentence that it leaves. */
async function refused(data: string, ...words: string[]) {
  const running = start(data, ...words);
  const { code } = await running.exited;
  expect(running.output).not.toMatch(stackLine);
  return { code, sentence: running.err };
}

async function stopped(running: RunningCommand, signal: NodeJS.Signals = 'SIGINT') {
  running.kill(signal);
  const exit = await running.exited;
  expect(running.output).not.toMatch(stackLine);
  return exit;
}

interface Seen {
  readonly account: { readonly id: string; readonly plan: string; readonly journey: Seen['journey'] };
  readonly journey: { readonly edges: readonly unknown[] };
  readonly status: {
    readonly topics: readonly {
      topic: string;
      partition: number;
      position: string;
      consumed: string;
      deadLettered: string;
    }[];
  };
}

async function ask(running: RunningCommand): Promise<Seen> {
  const [, url] = await running.printed(/(http:\/\/127\.0\.0\.1:\d+)\/\n/);
  const query = `{
    journey(of: {type: "Account", id: "acc-000001"}, first: 100) { edges { node { time } } }
    account(id: "acc-000001") { id plan journey(first: 100) { edges { node { time } } } }
    status { topics { topic partition position consumed deadLettered } }
  }`;
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const answer: { data: Seen } = JSON.parse(await response.text());
  return answer.data;
}

const positions = ({ status }: Seen) =>
  new Map(status.topics.map(({ topic, partition, position }) => [`${topic}/${partition}`, Number(position)]));

async function deadLettersIn(folder: string): Promise<number> {
  const log = await openEmbeddedLog({ ...defaultEmbeddedLogSettings, folder: join(folder, 'log') });
  const topics = log.topics().filter(({ topic }) => topic.endsWith('.dlq'));
  const ends = topics.flatMap(({ topic }) => log.ends(topic));
  await log.close();
  return ends.reduce((sum, { end }) => sum + Number(end), 0);
}

describe('jg up', () => {
  it('prints a question and ten steps of its answer before the first figures', async () => {
    const running = start(join(temporaryFolder(), 'some', 'where'));
    await running.printed(figuresLine);
    const [answer = '', rest] = running.out.split(figuresLine);
    expect(rest).toBeDefined();
    expect(answer).toMatch(/^A question, journey\(of: \{type: "Account", id: "acc-000001"\}, first: 12\)/m);
    expect(answer.match(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}\w/gm)?.length).toBeGreaterThanOrEqual(10);
    expect(running.out).not.toContain('\u001b');
    expect(await stopped(running)).toEqual({ code: 0, signal: null });
  });

  it('plays no demo among events of somebody who names topics', async () => {
    const running = start(temporaryFolder(), '--topics', 'payments.made');
    await running.printed(/\b0 events\/s\b.*nodes 0\b/);
    expect(running.out).toContain('the embedded log, 1 topic\n');
    expect(await stopped(running)).toEqual({ code: 0, signal: null });
    expect(running.err).toBe('Stopped cleanly; the next start goes on from here.\n');
  });

  it('says that it stopped cleanly, and goes on there at the next start', async () => {
    const folder = temporaryFolder();
    const first = start(folder);
    await first.printed(figuresLine);
    const before = await ask(first);
    expect(await stopped(first)).toEqual({ code: 0, signal: null });
    expect(first.err).toBe('Stopped cleanly; the next start goes on from here.\n');

    const second = start(folder, '--demo', 'off');
    await second.printed(figuresLine);
    const after = await ask(second);
    expect(await stopped(second, 'SIGTERM')).toEqual({ code: 0, signal: null });

    expect(before.journey.edges.length).toBeGreaterThanOrEqual(10);
    expect(after.journey.edges.length).toBeGreaterThanOrEqual(before.journey.edges.length);
    expect(after.account).toEqual({ id: 'acc-000001', plan: 'STANDARD', journey: after.journey });
    const [wasAt, isAt] = [positions(before), positions(after)];
    expect(Math.max(...wasAt.values())).toBeGreaterThan(0);
    expect([...wasAt].filter(([key, position]) => !((isAt.get(key) ?? -1) >= position))).toEqual([]);
    // Whatever is read a second time leaves its dead letters a second time, but for those in flight at the stop.
    const counted = after.status.topics.reduce((sum, { deadLettered }) => sum + Number(deadLettered), 0);
    expect(counted).toBeGreaterThanOrEqual(4);
    expect(await deadLettersIn(folder)).toBeLessThan(counted + 3);
  });

  it('says in one sentence that the port is in use', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise<void>((resolve) => taken.close(() => resolve())));
    const address = taken.address();
    if (address === null || typeof address === 'string') throw new TypeError('no port');
    const { code, sentence } = await refused(temporaryFolder(), '--port', String(address.port));
    expect(code).toBe(4);
    expect(sentence).toMatch(new RegExp(`^error PORT_IN_USE: .*${address.port}.*\\n`));
  });

  it.each(['store', 'log'])('says that the %s is of another version', async (part) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, part));
    const level = new ClassicLevel(join(folder, part));
    await level.put('something', 'else');
    await level.close();
    const { code, sentence } = await refused(folder);
    expect(code).toBe(3);
    expect(sentence).toMatch(new RegExp(`^error ${part.toUpperCase()}_FORMAT: [^\\n]+\\n$`));
    expect(sentence).toContain(join(folder, part));
  });

  it('says that another process has the data folder open', async () => {
    const folder = temporaryFolder();
    const first = start(folder, '--demo', 'off');
    await first.printed(/GraphQL and its IDE/);
    const { code, sentence } = await refused(folder);
    expect(code).toBe(3);
    expect(sentence).toMatch(/^error STORE_LOCKED: [^\n]+\n$/);
    if (process.platform === 'linux') expect(sentence).toContain(` in use by process ${first.pid};`);
    expect(await stopped(first)).toEqual({ code: 0, signal: null });
  });

  it.each([
    ['a file', '', 'there is a file of that name'],
    ['below a file', 'below', 'part of its path is a file'],
  ])('says that the data folder is %s', async (_name, below, reason) => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const { code, sentence } = await refused(join(file, below));
    expect(code).toBe(1);
    expect(sentence).toMatch(/^error DATA_FOLDER_UNUSABLE: [^\n]+\n$/);
    expect(sentence).toContain(reason);
  });

  it.runIf(process.platform === 'linux')('says that no folder can be made there', async () => {
    const { code, sentence } = await refused('/proc/journey-graph/data');
    expect(code).toBe(1);
    expect(sentence).toMatch(/^error DATA_FOLDER_UNUSABLE: [^\n]+\n$/);
  });

  it('names the nearest flag when one is misspelt', async () => {
    const { code, sentence } = await refused(temporaryFolder(), '--log.levle', 'warn');
    expect(code).toBe(2);
    expect(sentence).toContain(
      'flag --log.levle: no setting is called "log.levle" (did you mean `log.level`?)',
    );
  });

  it('ends in order at a bug: one sentence, everything stopped, the code of a failure', async () => {
    let hasAnswered = false;
    const io = fakeIo({
      clock: systemClock,
      random: Math.random,
      newId: () => {
        // Where the demo plays, beside the live line.
        if (hasAnswered) throw new TypeError('an invented bug');
        return crypto.randomUUID();
      },
      out: (text) => {
        hasAnswered ||= text.startsWith('Ask it again');
      },
    });
    const { settings } = loadSettings({
      flags: { port: '0', data: temporaryFolder(), 'log.level': 'silent' },
      environment: {},
      files: [],
    });
    expect(await up(settings, io)).toBe(1);
    expect(io.written.err).toMatch(
      /^The demo( of live events)? failed\. This is a bug in Journey Graph; please report it/,
    );
    expect(io.written.err).toContain('an invented bug');
    expect(io.written.err).toMatch(/\nStopped cleanly; the next start goes on from here\.\n$/);
  });
});

describe('jg up on a full disk', () => {
  const diskBytes = 48 * 2 ** 20;

  /** A small disk of its own; says why when there can't be one. */
  async function smallDisk(): Promise<{ readonly path: string; readonly refusal: string | null }> {
    const path = mkdtempSync(join(tmpdir(), 'journey-graph-disk-'));
    const refusal = await run('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', path]).then(
      () => null,
      (error: unknown) => String(error),
    );
    onTestFinished(async () => {
      if (refusal === null) await run('umount', ['--lazy', path]);
      rmSync(path, { recursive: true, force: true });
    });
    return { path, refusal };
  }

  function fill(disk: string): void {
    const { stderr } = spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4096'], {
      encoding: 'utf8',
    });
    expect(stderr).toContain('No space left on device');
  }

  it('says so at the start and ends', async (ctx) => {
    const { path, refusal } = await smallDisk();
    if (refusal !== null) ctx.skip(`a small disk cannot be mounted here: ${refusal}`);
    fill(path);
    const { code, sentence } = await refused(join(path, 'data'));
    expect(code).toBe(1);
    expect(sentence).toMatch(/^error STORE_OPEN_FAILED: [^\n]*No space left on device[^\n]*\n$/);
  });

  it('says why it is quiet when it fills up, goes on when there is space again, and stops cleanly', async (ctx) => {
    const { path, refusal } = await smallDisk();
    if (refusal !== null) ctx.skip(`a small disk cannot be mounted here: ${refusal}`);
    const running = start(join(path, 'data'), '--demo.events.per.second', '500', '--log.format', 'text');
    await running.printed(figuresLine);
    fill(path);
    await running.printed(/ warn .*: .*No space left on device/);
    rmSync(join(path, 'filler'));
    await running.printed(/The demo goes on\.|Resumed\./);
    expect(await stopped(running)).toEqual({ code: 0, signal: null });
  });
});
