import type { GraphReader, StoreWriter } from '../../graph-store/index.ts';
import type { DeadLetterWriter } from '../dead-letters.ts';
import type { OpenedArchive } from './backfill-desk-parts.ts';

/** A graph that was opened for one replay. */
export interface ReplayGraph {
  readonly writes: StoreWriter;
  readonly graph: Pick<GraphReader, 'sources'>;
  close(): Promise<void>;
}

/** What a replay reads and writes. */
export interface OpenedReplay {
  readonly archive: OpenedArchive;
  readonly target: ReplayGraph;
  close(): Promise<void>;
}

/** The graph first: it is refused at once where it cannot be, and an archive may be far. */
export async function openReplay(
  openTarget: () => Promise<ReplayGraph>,
  openArchive: () => Promise<OpenedArchive>,
): Promise<OpenedReplay> {
  const target = await openTarget();
  try {
    const archive = await openArchive();
    return { archive, target, close: () => closeBoth(archive, target) };
  } catch (error) {
    await target.close();
    throw error;
  }
}

async function closeBoth(archive: OpenedArchive, target: ReplayGraph): Promise<void> {
  try {
    await archive.close();
  } finally {
    await target.close();
  }
}

/** Of a shadow: what cannot be applied is counted there, and its letters were written for the live graph. */
export const noLetters: DeadLetterWriter = {
  write: async () => undefined,
  close: async () => undefined,
};
