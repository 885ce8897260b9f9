import { isKey } from '../../device/index.ts';
import { must } from '../../foundation/index.ts';
import type { LiveEvent, Stage, StageKind } from '../live-event.ts';

/** What stands in the schedule; `cancelled` never does. */
const scheduledKinds = ['announced', 'lobby', 'live', 'custom', 'ended', 'replay'] as const;
type ScheduledKind = (typeof scheduledKinds)[number];

/** The key of what holds when the event was called off, so no stage may have it. */
export const cancelledKey = 'cancelled';
/** As far as a DateTime of the API goes: the end of the year 9999. */
const timeMsMax = 253_402_300_799_999;

/** In the order of stages; those that may stand among each other have the same. */
const ranks: Readonly<Record<ScheduledKind, number>> = {
  announced: 0,
  lobby: 1,
  live: 2,
  custom: 2,
  ended: 3,
  replay: 4,
};

const announced: Stage = { key: 'announced', kind: 'announced', startsAtMs: null };

/**
 * The schedule of a new event. What holds from the beginning is its first stage, so one that does not say `announced` gets that: a lobby that opens in an
 * hour must not be open until then. Times in the past mean now.
 */
export function scheduleAtCreation(stages: readonly Stage[], nowMs: number): readonly Stage[] {
  const whole = stages[0]?.kind === 'announced' ? stages : [announced, ...stages];
  return whole.map((stage, i) => ({
    ...stage,
    startsAtMs: i === 0 ? nowMs : notBefore(stage.startsAtMs, nowMs),
  }));
}

export function notBefore(timeMs: number | null, nowMs: number): number | null {
  return timeMs === null ? null : Math.max(timeMs, nowMs);
}

/** What is wrong with it, as the end of a sentence that begins with "The schedule"; null when nothing is. */
export function scheduleFault(stages: readonly Stage[], stagesMax: number): string | null {
  if (stages.length > stagesMax) return `has ${stages.length} stages, and ${stagesMax} are allowed`;
  const badKey = stages.find(({ key }) => !isKey(key));
  if (badKey !== undefined)
    return 'has a stage whose key is not 1 to 64 letters, digits, dots, hyphens or underscores';
  if (stages.some(({ key }) => key === cancelledKey))
    return `has a stage "${cancelledKey}", which is what follows a cancellation`;
  const keys = stages.map(({ key }) => key);
  const twice = keys.find((key, i) => keys.indexOf(key) !== i);
  if (twice !== undefined) return `has the stage "${twice}" twice; keys are unique`;
  return orderFault(stages) ?? timesFault(stages);
}

function orderFault(stages: readonly Stage[]): string | null {
  const order = 'the order is announced, lobby, live, then any of live and custom, ended, replay';
  let before: Stage | null = null;
  for (const stage of stages) {
    const rank = rankOf(stage.kind);
    if (rank === null) return `has a stage "${stage.key}" of kind ${stage.kind}, which none may have`;
    const last: number = before === null ? -1 : must(rankOf(before.kind), 'looked at before');
    const repeats = rank === last && rank !== ranks.live;
    if (rank < last || repeats)
      return `has "${stage.key}" (${stage.kind}) after "${before?.key}" (${before?.kind}); ${order}`;
    if (rank === ranks.live && last < rank && stage.kind !== 'live')
      return `has "${stage.key}" (${stage.kind}) before anything is live; ${order}`;
    before = stage;
  }
  for (const kind of ['live', 'ended'] as const)
    if (!stages.some((stage) => stage.kind === kind)) return `has no stage of kind ${kind}; ${order}`;
  return null;
}

function timesFault(stages: readonly Stage[]): string | null {
  let last: { readonly key: string; readonly timeMs: number } | null = null;
  for (const stage of stages) {
    const { key, startsAtMs } = stage;
    const fault = timeFault(stage);
    if (fault !== null) return fault;
    if (startsAtMs === null) continue;
    if (last !== null && startsAtMs < last.timeMs)
      return `has "${key}" at ${iso(startsAtMs)}, which is before "${last.key}" at ${iso(last.timeMs)}; move what follows as well`;
    last = { key, timeMs: startsAtMs };
  }
  return null;
}

export function timeFault({ key, startsAtMs }: Pick<Stage, 'key' | 'startsAtMs'>): string | null {
  if (startsAtMs === null) return null;
  const isTime = Number.isSafeInteger(startsAtMs) && startsAtMs >= 0 && startsAtMs <= timeMsMax;
  return isTime ? null : `has a time for "${key}" that is not a time between 1970 and 9999`;
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function rankOf(kind: StageKind): number | null {
  return kind === 'cancelled' ? null : ranks[kind];
}

/** Those that may still come; none once it was cancelled. */
export function stagesAfter({ stages, stage, stageKind }: LiveEvent): readonly Stage[] {
  return stageKind === 'cancelled' ? [] : stages.slice(stages.findIndex(({ key }) => key === stage) + 1);
}

/**
 * When the clock has something to do next: null while nothing is set. A stage that is entered by hand stands in the way of those behind it, so an event that was
 * never said to be live is not ended by the clock.
 */
export function nextDueMs(event: LiveEvent): number | null {
  return stagesAfter(event)[0]?.startsAtMs ?? null;
}

/** The newest stage whose time has come and that the clock may enter. */
export function dueStage(event: LiveEvent, nowMs: number): Stage | null {
  let due: Stage | null = null;
  for (const stage of stagesAfter(event)) {
    if (stage.startsAtMs === null || stage.startsAtMs > nowMs) break;
    due = stage;
  }
  return due;
}
