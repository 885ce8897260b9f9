import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { startTestApi } from '../query-api/api-testing.ts';
import { stepOf, TestProcess, turns } from '../query-api/live/live-testing.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

async function follow(
  flags: readonly string[],
  use: (process: TestProcess, written: { out: string; err: string }) => Promise<void>,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const process = new TestProcess();
  await process.write([1, 2, 3].map((id) => stepOf(Date.UTC(2026, 0, 1) + id * 1000, id)));
  const limits = { lookbackMs: Number.MAX_SAFE_INTEGER };
  const server = await startTestApi({ reader: process.memory, feed: process.journal, limits });
  const io = fakeIo({ clock: systemClock });
  try {
    const run = runProgram(['journey', 'Account:é', '--follow', '--url', server.url, ...flags], io);
    await until(() => io.written.err.includes('Following'));
    await use(process, io.written);
    io.stop.abort();
    return { code: await run, ...io.written };
  } finally {
    await server.close();
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 10_000 && !holds(); i += 1) await turns(1);
  expect(holds()).toBe(true);
}

describe('jg journey --follow', () => {
  it('prints the newest steps, then each as it is applied, until it is asked to end', async () => {
    const { code, out, err } = await follow(['--first', '2'], async (process, written) => {
      await process.write([stepOf(Date.UTC(2026, 0, 2), 4)]);
      await until(() => written.out.includes('n 4'));
    });
    expect(out).toBe(
      [
        '2026-01-01 00:00:02  streaming   watched           n 2',
        '2026-01-01 00:00:03  streaming   watched           n 3',
        '2026-01-02 00:00:00  streaming   watched           n 4',
        '',
      ].join('\n'),
    );
    expect([code, err]).toEqual([0, 'Following Account:é; Ctrl-C ends it.\n']);
  });

  it('begins at --since, prints one JSON object a line, and leaves other domains out', async () => {
    const flags = ['--since', '2026-01-01T00:00:02Z', '--first', '1', '--json', '--domains', 'streaming'];
    const { out } = await follow(flags, async (process, written) => {
      await process.write([stepOf(Date.UTC(2026, 0, 2), 4)]);
      await until(() => written.out.includes('"n":4'));
    });
    const steps = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(steps.map(({ properties }) => properties.n)).toEqual([2, 3, 4]);
  });

  it('says what it does not go with', async () => {
    const io = fakeIo();
    expect(await runProgram(['journey', 'Account:a', '--follow', '--newest'], io)).not.toBe(0);
    expect(io.written.err).toContain('--follow goes with neither --until nor --newest');
  });
});
