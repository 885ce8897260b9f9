/** When a device asks for its prefetch again: see `live-events/PROTOCOL.md`, 3. The server counts on this rule, so both sides share it. It imports nothing. */

/** No expiry lies in `[fromMs, untilMs)`, epoch milliseconds by the server's clock. */
export interface QuietWindow {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** How much of a time to live a client takes off at most. */
export const clientJitterShare = 0.1;

/** What a prefetch says of its own life. */
export interface PrefetchLife {
  readonly ttlMs: number;
  /** By the server's clock: `ttlMs` after it answered. */
  readonly expiresAt: number;
  readonly quiet: QuietWindow | null;
  /** What would come back within the window does so within this time behind it. */
  readonly spreadMs: number;
}

/**
 * When the device that got this is to ask again, by the server's clock; until then it uses what it has. `random` is uniform in [0, 1): two of them, so that where in
 * the time to live a device comes says nothing about where behind the window it does.
 */
export function refreshAtMs(
  { ttlMs, expiresAt, quiet, spreadMs }: PrefetchLife,
  random: () => number,
): number {
  const at = expiresAt - ttlMs + shortened(ttlMs, random());
  return behindQuiet(at, quiet, spreadMs, random());
}

/** The same as a time to wait from when the answer came, which needs no clock that agrees with the server's. */
export function refreshAfterMs(life: PrefetchLife, random: () => number): number {
  return refreshAtMs(life, random) - (life.expiresAt - life.ttlMs);
}

/** The time itself, or one behind the window that it lies in. `share`: in [0, 1). */
export function behindQuiet(
  atMs: number,
  quiet: QuietWindow | null,
  spreadMs: number,
  share: number,
): number {
  if (quiet === null || atMs < quiet.fromMs || atMs >= quiet.untilMs) return atMs;
  return quiet.untilMs + Math.floor(spreadMs * share);
}

function shortened(ttlMs: number, share: number): number {
  return Math.floor(ttlMs * (1 - clientJitterShare * share));
}
