import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { silentLog, systemClock } from '../../foundation/index.ts';
import { crashIds } from './audience-crash-members-testing.ts';
import { AudienceStore } from './audience-store.ts';
import { Audiences } from './audiences.ts';

const child = fileURLToPath(new URL('./audience-crash-testing.ts', import.meta.url));
const kills = 4;

/** Kills it with SIGKILL so long after the line `afterLines`; gives what it had said by then. */
async function killed(
  folder: string,
  run: number,
  afterLines: number,
  thenMs: number,
): Promise<readonly string[]> {
  const victim = spawn(process.execPath, [child, folder, String(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => victim.once('exit', resolve));
  const lines: string[] = [];
  for await (const line of createInterface(victim.stdout)) {
    lines.push(line);
    if (lines.length === afterLines) void systemClock.sleep(thenMs).then(() => victim.kill('SIGKILL'));
  }
  await ended;
  return lines;
}

it('is there whole or not at all, with the same numbers, after each kill -9 while others are frozen', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'audience-crash-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const seed = Math.floor(Math.random() * 1000);
  const acknowledged: string[] = [];
  for (let run = 0; run < kills; run += 1) {
    const context = `seed ${seed}, run ${run}`;
    acknowledged.push(...(await killed(folder, run, 1 + ((seed + run) % 9), (seed * (run + 3)) % 17)));
    const store = await AudienceStore.open(folder, { countMax: 10_000, bytesMax: 2 ** 30 });
    const audiences = new Audiences({
      store,
      sources: async () => [],
      clock: systemClock,
      log: silentLog,
      newId: () => 'x',
      membersMax: 1,
    });
    try {
      const there = audiences.list().flatMap((one) => (one.state === 'READY' ? [one.row] : []));
      const named = there.map(({ id, name }) => `frozen ${id} ${name}`);
      expect(named, context).toEqual(expect.arrayContaining(acknowledged));
      // One may be durable that nobody was told of before the end.
      expect(named.length - acknowledged.length, context).toBeLessThanOrEqual(run + 1);
      for (const { id, name, size } of there) {
        const ids: string[] = [];
        for await (const page of audiences.members(id)) ids.push(...page.map((one) => one.id));
        expect(ids.sort(), context).toEqual(crashIds(Number(name)));
        expect(size, context).toBe(ids.length);
        const [first = ''] = ids;
        expect(await audiences.contains(id, { type: 'Account', id: first }), context).toBe(true);
      }
    } finally {
      await audiences.close();
    }
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(kills);
}, 60_000);
