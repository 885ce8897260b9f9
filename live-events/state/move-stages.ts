import type { LiveEvent, Stage } from '../live-event.ts';
import { type LiveCommand, type LiveRefusal, refuse, type StageMove } from './live-command.ts';
import { notBefore, scheduleFault, stagesAfter, timeFault } from './schedule.ts';

type Reschedule = Extract<LiveCommand, { readonly kind: 'reschedule' }>;

type Moved = { readonly kind: 'moved'; readonly stages: readonly Stage[] } | LiveRefusal;

/** The schedule with some stages at other times. Only what is still to come moves. */
export function moveStages(
  event: LiveEvent,
  { moves, movesFollowing }: Reschedule,
  nowMs: number,
  stagesMax: number,
): Moved {
  // Before anything is clamped: a time that cannot be one must not become now.
  const fault = movesFault(event, moves) ?? moves.map(timeFault).find((one) => one !== null) ?? null;
  if (fault !== null) return invalid(event, fault);
  const wanted = new Map(moves.map(({ key, startsAtMs }) => [key, startsAtMs]));
  const later = new Set(stagesAfter(event).map(({ key }) => key));
  let shiftMs = 0;
  const stages = event.stages.map((stage) => {
    const { key, startsAtMs: before } = stage;
    const asked = wanted.get(key);
    if (asked === undefined) {
      if (!movesFollowing || before === null || !later.has(key)) return stage;
      return { ...stage, startsAtMs: notBefore(before + shiftMs, nowMs) };
    }
    const startsAtMs = notBefore(asked, nowMs);
    shiftMs = before === null || startsAtMs === null ? 0 : startsAtMs - before;
    return { ...stage, startsAtMs };
  });
  const after = scheduleFault(stages, stagesMax);
  if (after !== null) return invalid(event, after);
  const isSame = stages.every(({ startsAtMs }, i) => startsAtMs === event.stages[i]?.startsAtMs);
  return isSame ? invalid(event, 'is as asked already; nothing was moved') : { kind: 'moved', stages };
}

function movesFault(event: LiveEvent, moves: readonly StageMove[]): string | null {
  if (moves.length === 0) return 'stays as it is when no stage is moved; name one';
  const later = stagesAfter(event).map(({ key }) => key);
  const seen = new Set<string>();
  for (const { key } of moves) {
    if (!event.stages.some((stage) => stage.key === key))
      return `has no stage "${key}"; its stages are ${event.stages.map((stage) => stage.key).join(', ')}`;
    if (!later.includes(key)) return `has "${key}" behind it: that stage holds or is over, so it cannot move`;
    if (seen.has(key)) return `would have "${key}" at two times; name each stage once`;
    seen.add(key);
  }
  return null;
}

function invalid({ id }: LiveEvent, fault: string): LiveRefusal {
  return refuse('LIVE_SCHEDULE_INVALID', `The schedule of event ${id} ${fault}.`);
}
