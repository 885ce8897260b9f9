import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { type Broadcast, readServerMessage } from '../../device/index.ts';
import { LevelLiveJournal } from '../state/level-live-journal.ts';

const child = fileURLToPath(new URL('./producer-crash-testing.ts', import.meta.url));

/** Kills it with SIGKILL after so many broadcasts, or lets it end; gives what it published. */
async function run(folder: string, which: string, afterLines: number | null): Promise<readonly Broadcast[]> {
  const victim = spawn(process.execPath, [child, folder, which], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => victim.once('exit', resolve));
  const broadcasts: Broadcast[] = [];
  for await (const line of createInterface(victim.stdout)) {
    const message = readServerMessage(line);
    if (message?.type === 'broadcast') broadcasts.push(message);
    if (broadcasts.length === afterLines) victim.kill('SIGKILL');
  }
  expect(await ended).toBe(afterLines === null ? 0 : null);
  return broadcasts;
}

it('A producer that is killed again and again publishes the end of every event, and nothing that is not in the journal', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'producer-crash-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const seed = Math.floor(Math.random() * 1000);
  const lives = [await run(folder, 'first', 40 + (seed % 30))];
  for (let i = 1; i < 4; i += 1) lives.push(await run(folder, 'again', 1 + ((seed * i) % 12)));
  lives.push(await run(folder, 'again', null));
  const context = `seed ${seed}`;

  const journal = await LevelLiveJournal.open(folder, 0, { entriesMax: 100, removalsMax: 100 });
  expect(journal.events, context).toHaveLength(30);
  const newest = new Map(lives.flat().map((broadcast) => [broadcast.event, broadcast]));
  let journaled = 0;
  for (const event of journal.events) {
    const { id, epoch, sequence } = event;
    expect(event.stage, context).toBe('ended');
    expect(newest.get(id), context).toMatchObject({ epoch, sequence, stage: 'ended' });
    const all = await journal.broadcastsAfter(id, 0);
    journaled += all?.length ?? 0;
    for (const life of lives) {
      const published = life.filter((broadcast) => broadcast.event === id);
      for (const broadcast of published) expect(all, context).toContainEqual(broadcast);
      const sequences = published.map((broadcast) => broadcast.sequence);
      expect(sequences, context).toEqual(sequences.toSorted((a, b) => a - b));
      expect(new Set(sequences).size, context).toBe(sequences.length);
    }
  }
  await journal.close();
  expect(journaled, context).toBeGreaterThan(60);
}, 60_000);
