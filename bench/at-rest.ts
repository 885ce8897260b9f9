import { systemClock } from '../foundation/index.ts';

/** At rest: so many seconds in a row in which less than a tenth of a processor was used. */
const restSeconds = 3;
const restSecondsMax = 300;
const busyShare = 0.1;

/**
 * Waits until LevelDB has merged what was just written: it does so in threads of the process that is measured, where it would count as the work that is. Gives how
 * many seconds that took.
 *
 * @param cpuSeconds Of the process, so far.
 * @throws Error when it has not ended after 300 s.
 */
export async function atRest(cpuSeconds: () => number): Promise<number> {
  let quiet = 0;
  for (let seconds = 1; seconds <= restSecondsMax; seconds += 1) {
    const before = cpuSeconds();
    await systemClock.sleep(1_000);
    quiet = cpuSeconds() - before < busyShare ? quiet + 1 : 0;
    if (quiet === restSeconds) return seconds;
  }
  throw new Error(`LevelDB still merges after ${restSecondsMax} s`);
}
