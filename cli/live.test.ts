import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, silentLog } from '../foundation/index.ts';
import {
  createLiveFields,
  LevelLiveJournal,
  LiveService,
  liveJournalLimitsDefault,
  liveServiceLimitsDefault,
} from '../live-events/index.ts';
import { startTestApi } from '../query-api/api-testing.ts';
import { fakeIo } from './command-io.fake.ts';
import { liveJournalFolder } from './live-folder.ts';
import { readMove, readSchedule, readStage, readTime } from './live-schedule.ts';
import { runProgram } from './program.ts';

const nowMs = Date.UTC(2026, 10, 21, 20, 15);
const clock: Clock = { now: () => nowMs, sleep: async () => undefined };

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe('jg live', () => {
  let folder: string;
  let live: LiveService;
  let jg: (...words: readonly string[]) => Promise<Ran>;
  let stdin = '';
  let sleeps: () => Promise<void>;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jg-live-'));
    const journal = await LevelLiveJournal.open(liveJournalFolder(folder), nowMs, liveJournalLimitsDefault);
    live = new LiveService({ journal, clock, log: silentLog, limits: liveServiceLimitsDefault });
    const fields = createLiveFields({ live, extraEventFields: {} });
    const server = await startTestApi({ extension: { ...fields, routes: [], sockets: [], metrics: [] } });
    onTestFinished(async () => {
      await server.close();
      await live.close();
      await rm(folder, { recursive: true });
    });
    sleeps = async () => undefined;
    jg = async (...words) => {
      const io = fakeIo({ clock: { ...clock, sleep: () => sleeps() }, readStdin: async () => stdin });
      const code = await runProgram(['live', ...words, '--url', server.url], io);
      return { code, ...io.written };
    };
  });
  const create = (id: string): Promise<Ran> =>
    jg(
      'create',
      id,
      '--stage',
      'lobby=+30m',
      '--stage',
      'live=+1h',
      '--stage',
      'round-2=by-hand',
      '--stage',
      'ended=+2h',
    );

  it('makes an event, moves it, takes it through its stages and says who did what', async () => {
    const made = await jg(
      ...['create', 'fight-1', '--title', 'The fight', '--reason', 'new season'],
      ...['--stage', 'lobby=+30m', '--stage', 'live=2026-11-21T22:00:00+01:00', '--stage', 'ended=+2h'],
    );
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out).toMatch(
      /^fight-1: announced since 2026-11-21 20:15:00; version 1, broadcast \d+\.1, no audience$/m,
    );
    expect(made.out).toMatch(/^ +lobby +lobby +2026-11-21 20:45:00$/m);
    expect(made.out).toMatch(/^ +live +live +2026-11-21 21:00:00$/m);
    const moved = await jg(
      'reschedule',
      'fight-1',
      '--stage',
      'live=+50m',
      '--following',
      '--expect-version',
      '1',
    );
    expect(moved.out).toMatch(/^ +ended +ended +2026-11-21 22:20:00$/m);
    expect((await jg('advance', 'fight-1')).out).toContain('fight-1: lobby since');
    expect((await jg('advance', 'fight-1', 'live')).out).toContain('fight-1: live since');
    expect((await jg('end', 'fight-1', '--reason', 'knock-out\u001b[31m')).out).toContain(
      'fight-1: ended since',
    );
    const status = await jg('status', 'fight-1');
    expect(status.out).toMatch(/local +end +ended +knock-out\\u001b\[31m$/m);
    expect(status.out).toMatch(/local +create +announced +new season$/m);
    expect((await jg('status')).out).toMatch(/^fight-1 +ended +2026-11-21 20:15:00 +The fight$/m);
    const tried = await jg('delete', 'fight-1', '--dry-run');
    expect(tried).toMatchObject({ out: 'fight-1 can be deleted.\n', err: 'Nothing was changed.\n' });
    expect((await jg('delete', 'fight-1', '--reason', 'a rehearsal')).out).toBe('fight-1 is deleted.\n');
    expect((await jg('removed')).out).toMatch(
      /^2026-11-21 20:15:00 +local +fight-1 +ended +a rehearsal +The fight$/m,
    );
    expect(await jg('delete', 'fight-1')).toMatchObject({ code: 1 });
    expect((await jg('status', 'fight-1')).err).toContain('LIVE_EVENT_UNKNOWN');
  });

  it('reads a schedule from a file, as YAML or JSON, and from standard input', async () => {
    const file = join(folder, 'fight.yaml');
    await writeFile(
      file,
      'title: The fight\nstages:\n  - {key: live, at: +1h}\n  - {key: over, kind: ended}\n',
    );
    const made = await jg('create', 'a', '--schedule', file, '--json');
    expect(JSON.parse(made.out)).toMatchObject({
      title: 'The fight',
      stages: [
        { key: 'announced' },
        { key: 'live', startsAt: '2026-11-21T21:15:00.000Z' },
        { key: 'over', startsAt: null },
      ],
    });
    stdin = '{"stages": [{"key": "live"}, {"key": "ended"}]}';
    expect(await jg('create', 'b', '--schedule', '-')).toMatchObject({ code: 0 });
    expect(live.get('b')?.title).toBe('b');
    expect((await jg('create', 'c', '--schedule', join(folder, 'none'))).err).toContain(
      'LIVE_FILE_UNREADABLE',
    );
  });

  it('says what would come of a command and changes nothing', async () => {
    await create('f');
    const tried = await jg('cancel', 'f', '--dry-run');
    expect(tried).toMatchObject({ code: 0, err: 'Nothing was changed.\n' });
    expect(tried.out).toContain('f: cancelled since');
    expect(live.get('f')?.stage).toBe('announced');
  });

  it('fails with the code of a refusal', async () => {
    await create('f');
    expect(await create('f')).toMatchObject({
      code: 1,
      err: expect.stringContaining('error LIVE_EVENT_EXISTS'),
    });
    expect((await jg('reschedule', 'f', '--stage', 'live=+3h')).err).toContain('LIVE_SCHEDULE_INVALID');
    expect((await jg('end', 'f', '--expect-version', '9')).err).toContain('LIVE_VERSION_STALE');
    expect(await jg('create', 'g')).toMatchObject({ code: 2 });
    expect(await jg('create', 'g', '--stage', 'live=soon')).toMatchObject({ code: 2 });
  });

  it('watches an event until it is over', async () => {
    await create('f');
    const asking = { actor: 'x', reason: null, expectedVersion: null };
    const steps = ['lobby', 'lobby', 'ended'];
    sleeps = async () => {
      const to = steps.shift() ?? 'ended';
      if (live.get('f')?.stage !== to) await live.run('f', { kind: 'advance', to, from: null }, asking);
    };
    const { code, out } = await jg('watch', 'f');
    expect(code).toBe(0);
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => line.split(/ {2}/)[1]),
    ).toEqual(['announced', 'lobby', 'ended']);
  });

  it('begins another life of the journal in a folder that no server has open', async () => {
    await create('f');
    const run = async (data: string): Promise<Ran> => {
      const io = fakeIo();
      const code = await runProgram(['live', 'renew-epoch', '--data', data], io);
      return { code, ...io.written };
    };
    expect(await run(folder)).toMatchObject({ code: 3, err: expect.stringContaining('LIVE_JOURNAL_LOCKED') });
    await live.close();
    expect(await run(folder)).toMatchObject({
      code: 0,
      out: `Epoch ${nowMs + 1} follows ${nowMs}; 1 event is published anew with the next start.\n`,
    });
    expect(await run(join(folder, 'none'))).toMatchObject({ code: 2 });
  });

  it('shows examples', async () => {
    const io = fakeIo();
    expect(await runProgram(['live', '--help'], io)).toBe(0);
    expect(io.written.out).toContain('jg live create fight-1');
  });
});

describe('Times and schedules on the command line', () => {
  it.each([
    ['+10m', '2026-11-21T20:25:00.000Z'],
    ['+1h30m', '2026-11-21T21:45:00.000Z'],
    ['+45s', '2026-11-21T20:15:45.000Z'],
    ['+2d', '2026-11-23T20:15:00.000Z'],
    ['2026-11-21T21:15:00+01:00', '2026-11-21T20:15:00.000Z'],
    ['by-hand', null],
  ])('%s is %s', (text, time) => {
    expect(readTime(text, nowMs)).toBe(time);
  });

  it.each(['', '10m', '+10', '+m', '-5m', 'tomorrow', '2026-11-21', '2026-11-21T20:15:00', '+999999999d'])(
    '%s is no time',
    (text) => {
      expect(() => readTime(text, nowMs)).toThrow('is no time');
    },
  );

  it('a stage has the kind of its key, or custom, or the one that is said', () => {
    expect(readStage('lobby=by-hand', nowMs).kind).toBe('LOBBY');
    expect(readStage('round-2=by-hand', nowMs).kind).toBe('CUSTOM');
    expect(readStage('second-half:live=by-hand', nowMs)).toEqual({
      key: 'second-half',
      kind: 'LIVE',
      startsAt: null,
    });
    for (const text of ['live', '=+5m', ':live=+5m', 'x:nothing=+5m'])
      expect(() => readStage(text, nowMs)).toThrow(/is no (kind of )?stage/);
  });

  it('a move is a key and a time: a stage keeps its kind', () => {
    expect(readMove('second-half=by-hand', nowMs)).toEqual({ key: 'second-half', startsAt: null });
    expect(() => readMove('second-half:live=by-hand', nowMs)).toThrow('say second-half=TIME');
  });

  it.each([
    '{',
    'a: b: c',
    '[]',
    '{"stages": 1}',
    '{"stages": [1]}',
    '{"stages": [{}]}',
    '{"stages": [], "x": 1}',
    '{"stages": [{"key": "live", "at": 5}]}',
    '{"stages": [{"key": "live", "kind": "x"}]}',
    '{"title": 1, "stages": []}',
  ])('the file %s is no schedule', (text) => {
    expect(() => readSchedule(text, nowMs)).toThrow('The schedule is wrong');
  });
});
