import { describe, expect, it } from 'vitest';
import { fakeIo } from './command-io.fake.ts';
import { aboveLiveLine, type LiveFigures, renderLiveLine, showLiveLine } from './live-line.ts';

const figures = (over: Partial<LiveFigures> = {}): LiveFigures => ({
  consumedSinceStart: 0,
  freshnessMs: 14,
  nodes: 1289,
  edges: 2863,
  deadLetters: 6,
  troubles: [],
  ...over,
});

/** Shows the line for so many seconds of a clock that is wound by hand, with 50 events more at each. */
async function shown(seconds: number, terminal: { columns: number } | null, troubles: string[] = []) {
  const ending = new AbortController();
  let nowMs = 0;
  const io = fakeIo({
    outIsTerminal: terminal !== null,
    outColumns: () => terminal?.columns ?? 80,
    clock: {
      now: () => nowMs,
      sleep: async (delayMs) => {
        nowMs += delayMs;
        if (nowMs > seconds * 1000) ending.abort();
      },
    },
  });
  const read = async () => figures({ consumedSinceStart: nowMs / 20, troubles });
  await showLiveLine(io, read, ending.signal);
  return io.written.out;
}

describe('the live line', () => {
  it('says how fast, how fresh and how large, and then what is wrong', () => {
    expect(renderLiveLine(figures({ troubles: ['games.launch stopped: a gap'] }), 1234.4)).toBe(
      '1,234 events/s · fresh 14 ms · nodes 1,289 · edges 2,863 · dead letters 6 · games.launch stopped: a gap',
    );
    expect(renderLiveLine(figures({ freshnessMs: null }), 0)).toContain('0 events/s · no events lately · ');
  });

  it.each([
    [0.4, '0 ms'],
    [999, '999 ms'],
    [1000, '1.0 s'],
    [119_900, '119.9 s'],
    [120_000, '2 min'],
    [2 * 3_600_000, '2 h'],
    [2 * 86_400_000, '2 days'],
    [553 * 86_400_000, '553 days'],
    [796_628 * 60_000, '553 days'],
    [1600 * 86_400_000, '4 years'],
  ])('says %d ms of freshness as %s', (freshnessMs, expected) => {
    expect(renderLiveLine(figures({ freshnessMs }), 0)).toContain(` · fresh ${expected} · `);
  });

  it('is drawn over itself each second on a terminal, which goes on below it at the end', async () => {
    const line = '50 events/s · fresh 14 ms · nodes 1,289 · edges 2,863 · dead letters 6';
    expect(await shown(3, { columns: 80 })).toBe(`${`\r\u001b[K${line}`.repeat(3)}\n`);
  });

  it('is a plain line every five seconds elsewhere, the first at once', async () => {
    const out = await shown(11, null);
    expect(out.split('\n')).toHaveLength(4);
    expect(out).toMatch(/^(?:50 events\/s · fresh 14 ms · nodes [^\n]+\n){3}$/);
    expect(out).not.toContain('\r');
  });

  it.each([2, 20, 40, 60, 70])('is cut to fewer than %d columns, and shows that it is', async (columns) => {
    const line = (await shown(1, { columns })).slice('\r\u001b[K'.length, -1);
    expect(line).toMatch(/…$/);
    expect([...line]).toHaveLength(columns - 1);
  });

  it('is whole when one column stays free, and not there on a terminal of one', async () => {
    expect(await shown(1, { columns: 71 })).toMatch(/dead letters 6\n$/);
    expect(await shown(1, { columns: 1 })).toBe('\r\u001b[K\n');
  });

  it('counts two columns for what is written two columns wide', async () => {
    const out = await shown(1, { columns: 100 }, ['事件事件事件事件事件事件事件事件事件']);
    const [, tail] = out.split('dead letters 6 · ');
    expect(tail).toBe(`${'事件'.repeat(6)}…\n`);
  });

  it('ends its line also when the figures cannot be read any more', async () => {
    let reads = 0;
    const io = fakeIo({ outIsTerminal: true });
    const read = async () => {
      reads += 1;
      if (reads === 3) throw new TypeError('a bug');
      return figures();
    };
    await expect(showLiveLine(io, read, io.signal)).rejects.toThrow('a bug');
    expect(io.written.out).toMatch(/dead letters 6\n$/);
  });

  it('gives way to messages on the same terminal, and to none elsewhere', () => {
    const onTerminal = fakeIo({ outIsTerminal: true, errIsTerminal: true });
    aboveLiveLine(onTerminal).err('Paused\n');
    expect(onTerminal.written.err).toBe('\r\u001b[KPaused\n');
    const toFile = fakeIo({ outIsTerminal: true, errIsTerminal: false });
    aboveLiveLine(toFile).err('Paused\n');
    expect(toFile.written.err).toBe('Paused\n');
  });
});
