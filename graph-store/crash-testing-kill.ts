import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { must, systemClock } from '../foundation/index.ts';
import { crashAdvance, crashBatch, crashSourceOf } from './crash-testing-batches.ts';
import type { GraphStore } from './graph-store.ts';
import { openLevelStore } from './leveldb-store.ts';
import { createMemoryStore } from './memory-store.ts';

const child = fileURLToPath(new URL('./crash-testing-child.ts', import.meta.url));

/** How the victim writes, and when it dies. */
export interface KillPlan {
  readonly windowBytesMax: number;
  readonly writeBufferBytes: number;
  readonly inFlight: number;
  readonly partitions: number;
  readonly killAfterAcknowledgements: number;
  readonly thenMs: number;
}

export interface Killed {
  readonly signal: NodeJS.Signals | null;
  /** Of batches, of all partitions together. */
  readonly acknowledged: number;
  /** Durable, though nobody was told before the end. */
  readonly unacknowledged: number;
  /** True when LevelDB had begun a compaction and not ended it. */
  readonly compacting: boolean;
  /** What was lost, counted twice or written by halves; empty when nothing was. */
  readonly faults: readonly string[];
}

/** Calls `each` with every line printed; resolves when the process has ended. */
export async function linesOf(running: ChildProcess, each: (line: string) => void): Promise<string[]> {
  const lines: string[] = [];
  const ended = new Promise((resolve) => running.once('exit', resolve));
  if (running.stdout !== null) {
    for await (const line of createInterface(running.stdout)) {
      lines.push(line);
      each(line);
    }
  }
  await ended;
  return lines;
}

export function spawnVictim(words: readonly (string | number)[]): ChildProcess {
  return spawn(process.execPath, [child, ...words.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** The greatest batch number acknowledged of a partition; -1 without one. */
export function lastAcknowledged(lines: readonly string[], partition = 0): number {
  const begin = `acknowledged ${partition} `;
  const numbers = lines
    .filter((line) => line.startsWith(begin))
    .map((line) => Number(line.slice(begin.length)));
  return Math.max(-1, ...numbers);
}

/** The graph of the first batches of each partition, computed without LevelDB. Positions only grow, so it never begins anew. */
export class CrashOracle {
  readonly #store: GraphStore = createMemoryStore(systemClock);
  readonly #epochs: number[] = [];
  readonly #next: number[] = [];

  async digest(nexts: readonly number[]): Promise<string> {
    for (const [partition, next] of nexts.entries()) {
      this.#epochs[partition] ??= (await this.#store.claim(crashSourceOf(partition))).epoch;
      const epoch = must(this.#epochs[partition], 'the partition was claimed');
      for (let number = this.#next[partition] ?? 0; number < next; number += 1) {
        await this.#store.apply(crashAdvance(epoch, number, partition), crashBatch(number, partition));
      }
      this.#next[partition] = next;
    }
    return (await this.#store.digest()).hex;
  }
}

/** One folder that is written, and killed, again and again. */
export class Victim {
  readonly #folder: string;
  readonly #oracle = new CrashOracle();
  #before: readonly number[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  async kill(plan: KillPlan): Promise<Killed> {
    const { windowBytesMax, writeBufferBytes, inFlight, partitions } = plan;
    const words = [this.#folder, 1_000_000, windowBytesMax, writeBufferBytes, inFlight, partitions];
    const running = spawnVictim(words);
    let acknowledged = 0;
    const lines = await linesOf(running, () => {
      acknowledged += 1;
      if (acknowledged === plan.killAfterAcknowledgements)
        setTimeout(() => running.kill('SIGKILL'), plan.thenMs);
    });
    const compacting = await isCompacting(this.#folder);
    const store = await openLevelStore({ folder: this.#folder }, systemClock);
    try {
      const faults: string[] =
        running.signalCode === 'SIGKILL' ? [] : [`it ended by itself: ${lines.at(-1)}`];
      let unacknowledged = 0;
      const nexts: number[] = [];
      for (const { source, next, fates } of await store.sources()) {
        const { partition } = source;
        const last = lastAcknowledged(lines, partition);
        nexts[partition] = Number(next);
        const least = Math.max(last + 1, this.#before[partition] ?? 0);
        if (Number(next) < least) faults.push(`partition ${partition} lost ${least - Number(next)} batches`);
        if (fates.applied !== Number(next) || fates.consumed !== Number(next))
          faults.push(
            `partition ${partition} is at ${next} and counts ${fates.applied} of ${fates.consumed}`,
          );
        if (last >= 0) unacknowledged += Number(next) - last - 1;
      }
      const { hex } = await store.digest();
      const expected = await this.#oracle.digest(nexts);
      if (hex !== expected) faults.push(`at ${nexts} the digest is ${hex}, not ${expected}`);
      this.#before = nexts;
      return { signal: running.signalCode, acknowledged, unacknowledged, compacting, faults };
    } finally {
      await store.close();
    }
  }
}

/** LevelDB's own log: a compaction that was begun says so when it ends. */
async function isCompacting(folder: string): Promise<boolean> {
  const log = await readFile(join(folder, 'LOG'), 'utf8');
  const begun = log.match(/Compacting \d+@|Level-0 table #\d+: started/g)?.length ?? 0;
  const ended =
    log.match(/Compacted \d+@\d+ \+ \d+@\d+ files =>|Level-0 table #\d+: \d+ bytes/g)?.length ?? 0;
  return begun > ended;
}
