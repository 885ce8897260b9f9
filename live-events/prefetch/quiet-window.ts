import type { QuietWindow } from '../../device/index.ts';
import { hasBegun, isOver, startOf } from '../event-times.ts';
import type { LiveEvent } from '../live-event.ts';

export interface QuietLimits {
  /** Before the first stage that is live. */
  readonly leadMs: number;
  /** After the end. */
  readonly tailMs: number;
  /** From the start until the end of an event whose end nobody knows. */
  readonly lengthMs: number;
  /** An event that goes on beyond its end is taken to go on for so long again. */
  readonly overrunMs: number;
}

export const quietLimitsDefault: QuietLimits = {
  leadMs: 600_000,
  tailMs: 600_000,
  lengthMs: 4 * 3_600_000,
  overrunMs: 1_800_000,
};

/** Where no expiry may lie, as far as that is known now; null of an event that has no start yet, and of one that has been over for a while. */
export function quietWindow(event: LiveEvent, nowMs: number, limits: QuietLimits): QuietWindow | null {
  const { leadMs, tailMs } = limits;
  if (isOver(event)) {
    const untilMs = event.at + tailMs;
    return untilMs > nowMs ? { fromMs: event.at, untilMs } : null;
  }
  const startMs = startOf(event);
  if (startMs === null) return null;
  const ended = event.stages.find(({ kind }) => kind === 'ended')?.startsAtMs ?? null;
  const plannedMs = Math.max(startMs, ended ?? startMs + limits.lengthMs);
  const endMs = hasBegun(event) ? Math.max(plannedMs, nowMs + limits.overrunMs) : plannedMs;
  return { fromMs: startMs - leadMs, untilMs: endMs + tailMs };
}
