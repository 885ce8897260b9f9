/**
 * Write timestamps: what Cassandra decides by which of two writes of one cell is there. They say which version a write is, and never what time some
 * clock shows, so a machine with a wrong clock, a replay, or a writer that was fenced changes nothing.
 *
 * - A cell of a register (a property, an element of a set, a tombstone) carries its event time. Of equal times the greater value wins in
 *   Cassandra, and the values begin with rank and content, in their order: hence (event time, rank, content), the rule of `model.ts`.
 * - An occurrence or a step is known by its key; its stamp is its event time as well, and tells a row apart from one that was removed and delivered again.
 *
 * Microseconds, as everybody reads them; what lies below a millisecond says how often rows that time to live hides were delivered again (`life`).
 */
const perMs = 1_000n;

/** Lives beyond: see docs/decisions/0013-cassandra.md. */
export const lifeMax = 999;

/** Later than all that events carry: for what is replaced by its own number, not by an event's time. */
export const lastStamp = 2n ** 63n - 1n;

/** `life` is 0 but for what was hidden by its time to live when it was written. */
export function stampOf(timeMs: number, life = 0): bigint {
  return BigInt(timeMs) * perMs + BigInt(life);
}

/** For deleting all that is not newer than a time, without touching what is. */
export function stampUpTo(timeMs: number): bigint {
  return BigInt(Math.floor(timeMs)) * perMs + perMs - 1n;
}
