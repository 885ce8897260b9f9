import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlaybackFact } from '../ingest/playback-facts.ts';

/** In the order in which they run. */
export const rivalNames = ['postgresql', 'neo4j', 'ladybug'] as const;
export type RivalName = (typeof rivalNames)[number];

export function isRivalName(text: string): text is RivalName {
  return rivalNames.some((name) => name === text);
}

export interface LoadPlan {
  readonly eventsPerBatch: number;
  /** Batches under way at once, each in a session of its own. */
  readonly sessions: number;
}

/** A database that is given the same events as the product, as a good engineer would give them. */
export interface Rival {
  readonly name: RivalName;
  /** What it could be loaded with; a warm-up takes the fastest. */
  readonly plans: readonly LoadPlan[];
  /** One transaction, durable when this resolves. */
  load(facts: readonly PlaybackFact[]): Promise<void>;
  /** How many events it holds: those that it lost are no achievement. */
  countEvents(): Promise<number>;
  /** All of its folder, logs included. */
  diskBytes(): Promise<number>;
  close(): Promise<void>;
}

export function distinctBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}

/** Files that go away meanwhile count nothing. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.reduce((sum, entry) => {
    const path = join(entry.parentPath, entry.name);
    return sum + (entry.isFile() ? (statSync(path, { throwIfNoEntry: false })?.size ?? 0) : 0);
  }, 0);
}
