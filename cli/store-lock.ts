import { JourneyGraphError } from '../foundation/index.ts';
import type { CommandIo } from './command-io.ts';

/** A command that lists graphs or reads some figures is done with a store in less; who waits for a server waits no longer for its hint. */
const lookEveryMs = 50;
const looksMax = 40;
export const lockWaitSeconds = (lookEveryMs * looksMax) / 1000;

export function isLocked(error: unknown): error is JourneyGraphError {
  return error instanceof JourneyGraphError && error.code === 'STORE_LOCKED';
}

/** Opens a store that somebody else may have open for a moment. Rejects with STORE_LOCKED when it was not let go meanwhile. */
export async function whenUnlocked<T>(
  open: () => Promise<T>,
  { clock, signal }: Pick<CommandIo, 'clock' | 'signal'>,
  waiting: () => void = () => undefined,
): Promise<T> {
  for (let look = 0; ; look += 1) {
    try {
      return await open();
    } catch (error) {
      if (!isLocked(error) || look === looksMax || signal.aborted) throw error;
    }
    if (look === 0) waiting();
    await clock.sleep(lookEveryMs, signal);
  }
}
