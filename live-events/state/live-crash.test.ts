import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { LevelLiveJournal } from './level-live-journal.ts';
import { fightStages } from './live-testing.ts';

const child = fileURLToPath(new URL('./live-crash-testing.ts', import.meta.url));
const kills = 4;

/** Kills it with SIGKILL after so many lines; gives what it had said by then. */
async function killed(folder: string, run: number, afterLines: number): Promise<readonly string[]> {
  const victim = spawn(process.execPath, [child, folder, String(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => victim.once('exit', resolve));
  const lines: string[] = [];
  for await (const line of createInterface(victim.stdout)) {
    lines.push(line);
    if (lines.length === afterLines) victim.kill('SIGKILL');
  }
  await ended;
  return lines;
}

it('has all that anybody was told of, without a hole, after each kill -9 while events are changed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'live-crash-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const seed = Math.floor(Math.random() * 1000);
  /** The last that was told of each event. */
  const told = new Map<string, number>();
  let entries = 0;
  for (let run = 0; run < kills; run += 1) {
    const context = `seed ${seed}, run ${run}`;
    for (const line of await killed(folder, run, 5 + ((seed * (run + 1)) % 60))) {
      const [id = '', sequence = ''] = line.split(' ');
      told.set(id, Number(sequence));
    }
    const journal = await LevelLiveJournal.open(folder, 0, { entriesMax: 4, removalsMax: 4 });
    expect(journal.epoch, context).toBeGreaterThan(0);
    const there = new Map(journal.events.map((event) => [event.id, event]));
    for (const [id, sequence] of told) {
      const event = there.get(id);
      expect(event?.sequence, context).toBeGreaterThanOrEqual(sequence);
      // One may be durable that nobody was told of before the end.
      expect(event?.sequence, context).toBeLessThanOrEqual(sequence + 1);
      expect(event?.stage, context).toBe(fightStages[(event?.sequence ?? 0) - 1]?.key);
      const last = await journal.last(id, 100);
      const newest = event?.sequence ?? 0;
      const kept = Array.from({ length: Math.min(4, newest) }, (_, i) => newest - i);
      expect(
        last.map((entry) => entry.sequence),
        context,
      ).toEqual(kept);
      entries += last.length;
    }
    await journal.close();
  }
  expect(entries).toBeGreaterThan(kills * 5);
}, 60_000);
