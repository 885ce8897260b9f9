import { JourneyGraphError, StopError } from '../foundation/index.ts';
import { lockHolderOf } from '../graph-store/index.ts';
import type { CommandIo } from './command-io.ts';

/**
 * A command that lists graphs or reads some figures is done with a store in less; who waits for a server waits no longer for its hint. Growing,
 * for with each attempt LevelDB renames the log file of whoever has the store.
 */
const pausesMs = [50, 100, 250, 400, 400, 400, 400] as const;
export const lockWaitSeconds = pausesMs.reduce((sum, ms) => sum + ms, 0) / 1000;

export function isLocked(error: unknown): error is JourneyGraphError {
  return error instanceof JourneyGraphError && error.code === 'STORE_LOCKED';
}

/** Opens a store that somebody else may have open for a moment. Rejects with STORE_LOCKED, which names nobody, when it was not let go meanwhile. */
export async function triedAgain<T>(
  open: () => Promise<T>,
  { clock, signal }: Pick<CommandIo, 'clock' | 'signal'>,
  waiting: () => void = () => undefined,
): Promise<T> {
  for (const [look, pauseMs] of pausesMs.entries()) {
    try {
      return await open();
    } catch (error) {
      if (!isLocked(error) || signal.aborted) throw error;
    }
    if (look === 0) waiting();
    await clock.sleep(pauseMs, signal);
  }
  return await open();
}

/** As {@link triedAgain}, and names who has it where that is known. */
export async function whenUnlocked<T>(
  folder: string,
  open: () => Promise<T>,
  io: Pick<CommandIo, 'clock' | 'signal'>,
): Promise<T> {
  return await namingHolder(folder, () => triedAgain(open, io));
}

/** Says in STORE_LOCKED who has the store. For whoever tries no more: looking that up reads what a process has open, which may be tens of thousands of sockets. */
export async function namingHolder<T>(folder: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!isLocked(error)) throw error;
    const holder = await lockHolderOf(folder);
    // What this process has open itself, its own error says better.
    if (holder === null || holder === process.pid) throw error;
    throw new StopError(
      'STORE_LOCKED',
      `The store in ${folder} is in use by process ${holder}; stop that one, or start with another folder.`,
      { cause: error },
    );
  }
}
