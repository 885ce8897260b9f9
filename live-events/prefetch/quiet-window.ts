import type { QuietWindow } from '../../device/index.ts';
import type { LiveEvent, Stage } from '../live-event.ts';

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

/** Of the first stage that is live: when it begins or began; null when nobody has said when. */
export function startOf(event: LiveEvent): number | null {
  const first = firstLive(event.stages);
  if (first === undefined) return null;
  if (event.stage === first.key) return event.at;
  if (first.startsAtMs !== null || !hasBegun(event)) return first.startsAtMs;
  // Entered by hand, and left again since: no later than the stage that holds.
  return event.at;
}

/** Whether its first live stage holds, or one behind that. */
export function hasBegun(event: LiveEvent): boolean {
  if (event.stageKind === 'cancelled') return false;
  const first = event.stages.findIndex(({ kind }) => kind === 'live');
  const now = event.stages.findIndex(({ key }) => key === event.stage);
  return first >= 0 && now >= first;
}

export function isOver({ stageKind }: LiveEvent): boolean {
  return stageKind === 'ended' || stageKind === 'replay' || stageKind === 'cancelled';
}

function firstLive(stages: readonly Stage[]): Stage | undefined {
  return stages.find(({ kind }) => kind === 'live');
}
