import type { Clock } from '../foundation/index.ts';

/** More than events may lie in the future by default. */
export const aheadMsMax = 600_000;

/** For whom the newest event is known. */
export function removalMs(nowMs: number, newestEventMs: number): number {
  return Math.min(nowMs, newestEventMs + aheadMsMax);
}

/** Of positions, or of what is shown of them; -1 of none. */
export function newestEventOf(positions: Iterable<{ readonly newestEventMs: number }>): number {
  let newestMs = -1;
  for (const { newestEventMs } of positions) newestMs = Math.max(newestMs, newestEventMs);
  return newestMs;
}

/**
 * What time it is for a sweep. Reads hide by the clock alone: when that was ahead for a moment, they show everything again. What a sweep removes is gone, tombstones too; so it
 * goes by no clock that is further ahead of the newest event ever applied than events may be of the clock.
 */
export class RemovalMoment {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #newestEvent: () => Promise<number>;
  /** As it was when it was last asked for: an older answer lets less be removed, never more. */
  #newestMs = -1;

  constructor(clock: Pick<Clock, 'now'>, newestEvent: () => Promise<number>) {
    this.#clock = clock;
    this.#newestEvent = newestEvent;
  }

  /** Asks for the newest event only when the one that is known would hold the sweep back. */
  async nowMs(): Promise<number> {
    const nowMs = this.#clock.now();
    if (removalMs(nowMs, this.#newestMs) < nowMs) this.#newestMs = await this.#newestEvent();
    return removalMs(nowMs, this.#newestMs);
  }
}
