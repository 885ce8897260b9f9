import { isKey } from '../../device/index.ts';
import { must, unreachable } from '../../foundation/index.ts';
import type { JournalEntry, LiveEvent, Stage } from '../live-event.ts';
import {
  type Asking,
  type LiveChange,
  type LiveCommand,
  type LiveRefusal,
  type LiveRequest,
  type LiveTextLimits,
  liveTextLimitsDefault,
  refuse,
} from './live-command.ts';
import { moveStages } from './move-stages.ts';
import { cancelledKey, dueStage, scheduleAtCreation, scheduleFault, stagesAfter } from './schedule.ts';
import { transitions } from './transitions.ts';

type Of<Kind extends LiveCommand['kind']> = Extract<LiveCommand, { readonly kind: Kind }>;
type Outcome = LiveChange | LiveRefusal;

export type Applied = { readonly kind: 'applied'; readonly entry: JournalEntry } | LiveRefusal;

/** What a command makes of an event, or why it does not. The whole of what may happen to an event; nothing here reads a clock or writes. */
export function apply(
  event: LiveEvent | null,
  request: LiveRequest,
  nowMs: number,
  limits: LiveTextLimits = liveTextLimitsDefault,
): Applied {
  const outcome =
    requestFault(request, limits) ??
    tableFault(event, request) ??
    staleFault(event, request.id, expectedOf(request)) ??
    changed(event, request, nowMs, limits);
  if (outcome.kind === 'refused') return outcome;
  const { id, command, actor, reason, epoch } = request;
  const after = { ...outcome.event, epoch, sequence: (event?.sequence ?? 0) + 1 };
  const { sequence } = after;
  return {
    kind: 'applied',
    entry: { event: id, sequence, timeMs: nowMs, actor, command: command.kind, reason, after },
  };
}

function invalid(what: string): LiveRefusal {
  return refuse('LIVE_EVENT_INVALID', what);
}

/** What is wrong with who asks and why, whatever they ask. */
export function askingFault({ actor, reason }: Asking, limits: LiveTextLimits): LiveRefusal | null {
  if (actor.length === 0 || actor.length > limits.actorLengthMax)
    return invalid(`Who asks is named in 1 to ${limits.actorLengthMax} characters.`);
  if (reason !== null && reason.length > limits.reasonLengthMax)
    return invalid(`A reason has at most ${limits.reasonLengthMax} characters.`);
  return null;
}

function requestFault(request: LiveRequest, limits: LiveTextLimits): LiveRefusal | null {
  const { id, command } = request;
  if (!isKey(id))
    return invalid('The id of an event is 1 to 64 letters, digits, dots, hyphens or underscores.');
  const fault = askingFault(request, limits);
  if (fault !== null) return fault;
  if (
    command.kind === 'create' &&
    (command.title.length === 0 || command.title.length > limits.titleLengthMax)
  )
    return invalid(`A title has 1 to ${limits.titleLengthMax} characters.`);
  const audience = 'audience' in command ? command.audience : null;
  if (audience !== null && (audience.length === 0 || audience.length > limits.audienceLengthMax))
    return invalid(`The id of an audience has 1 to ${limits.audienceLengthMax} characters.`);
  const plan = 'plan' in command ? command.plan : null;
  if (plan !== null && Buffer.byteLength(plan) > limits.planBytesMax)
    return invalid(`A plan has at most ${limits.planBytesMax} bytes.`);
  return null;
}

function tableFault(event: LiveEvent | null, { id, command }: LiveRequest): LiveRefusal | null {
  const verdict = transitions[command.kind][event?.stageKind ?? 'none'];
  switch (verdict) {
    case 'goes':
      return null;
    case 'unknown':
      return unknownEvent(id);
    case 'exists':
      return refuse(
        'LIVE_EVENT_EXISTS',
        `There is an event ${id} already; take another id, or change that one.`,
      );
    case 'over': {
      const where = event?.stageKind === 'cancelled' ? 'is cancelled' : `is in its stage "${event?.stage}"`;
      return refuse(
        'LIVE_TRANSITION_REFUSED',
        `Event ${id} ${where}, so it takes no \`${command.kind}\` any more.`,
      );
    }
    default:
      return unreachable(verdict);
  }
}

function expectedOf({ command, expectedVersion }: LiveRequest): number | null {
  return command.kind === 'clock' ? command.version : expectedVersion;
}

export function unknownEvent(id: string): LiveRefusal {
  return refuse('LIVE_EVENT_UNKNOWN', `There is no event ${id}; \`liveEvents\` lists those there are.`);
}

/** `expected`: null for whatever it is. */
export function staleFault(event: LiveEvent | null, id: string, expected: number | null): LiveRefusal | null {
  const version = event?.version ?? 0;
  if (expected === null || expected === version) return null;
  return refuse(
    'LIVE_VERSION_STALE',
    `The schedule of event ${id} has version ${version}, not ${expected}: somebody changed it; look at it again.`,
  );
}

function changed(
  event: LiveEvent | null,
  { id, command, epoch }: LiveRequest,
  nowMs: number,
  limits: LiveTextLimits,
): Outcome {
  if (command.kind === 'create') return create(id, epoch, command, nowMs, limits);
  const before = must(event, 'the table lets nothing but create through without an event');
  switch (command.kind) {
    case 'reschedule': {
      const moved = moveStages(before, command, nowMs, limits.stagesMax);
      return moved.kind === 'refused' ? moved : newVersion({ ...before, stages: moved.stages });
    }
    case 'advance':
      return advance(before, command, nowMs);
    case 'end': {
      const ended = must(
        before.stages.find(({ kind }) => kind === 'ended'),
        'a schedule has one',
      );
      return enter(before, ended, nowMs);
    }
    case 'cancel': {
      const at = Math.max(before.at, nowMs);
      return { kind: 'changed', event: { ...before, stage: cancelledKey, stageKind: 'cancelled', at } };
    }
    // What devices hold is no longer what they are to show, so it is a new version to them.
    case 'plan':
      return newVersion({ ...before, plan: command.plan });
    case 'audience':
      return newVersion({ ...before, audience: command.audience });
    case 'clock':
      return clock(before, command, nowMs);
    default:
      return unreachable(command);
  }
}

function newVersion(event: LiveEvent): LiveChange {
  return { kind: 'changed', event: { ...event, version: event.version + 1 } };
}

function create(
  id: string,
  epoch: number,
  { title, stages: asked, audience, plan }: Of<'create'>,
  nowMs: number,
  { stagesMax }: LiveTextLimits,
): Outcome {
  const stages = scheduleAtCreation(asked, nowMs);
  // As asked, too: a time that was out of order must not come into order by being in the past.
  const fault = scheduleFault(asked, stagesMax) ?? scheduleFault(stages, stagesMax);
  if (fault !== null) return refuse('LIVE_SCHEDULE_INVALID', `The schedule of event ${id} ${fault}.`);
  const first = must(stages[0], 'a schedule has live and ended');
  const { key: stage, kind: stageKind } = first;
  const state = { stage, stageKind, at: nowMs, version: 1, epoch, sequence: 0, createdMs: nowMs };
  return { kind: 'changed', event: { id, title, audience, stages, plan, ...state } };
}

function advance(event: LiveEvent, { to, from }: Of<'advance'>, nowMs: number): Outcome {
  if (from !== null && from !== event.stage)
    return refuse(
      'LIVE_TRANSITION_REFUSED',
      `Event ${event.id} is in its stage "${event.stage}", no longer in "${from}"; look at it again.`,
    );
  const later = stagesAfter(event);
  const stage = to === null ? later[0] : later.find(({ key }) => key === to);
  if (stage !== undefined) return enter(event, stage, nowMs);
  const isThere = event.stages.some(({ key }) => key === to);
  const why =
    to === null
      ? `has no stage after "${event.stage}"`
      : isThere
        ? `is in its stage "${event.stage}": "${to}" holds or is over, and stages never go back`
        : `has no stage "${to}"; its stages are ${event.stages.map(({ key }) => key).join(', ')}`;
  return refuse('LIVE_TRANSITION_REFUSED', `Event ${event.id} ${why}.`);
}

function clock(event: LiveEvent, { stage: key }: Of<'clock'>, nowMs: number): Outcome {
  const stage = dueStage(event, nowMs);
  if (stage === null || stage.key !== key || stage.startsAtMs === null)
    return refuse(
      'LIVE_TRANSITION_REFUSED',
      `The stage "${key}" of event ${event.id} is not what is due now.`,
    );
  return enter(event, stage, stage.startsAtMs);
}

/**
 * `at` never goes back, whatever a clock that was set says. What stands behind a stage that was entered by hand, and late, would be entered by the clock at once,
 * ending what has just begun: it is by hand from then on, which is a new version.
 */
function enter(event: LiveEvent, { key, kind }: Stage, atMs: number): LiveChange {
  const entered: LiveEvent = { ...event, stage: key, stageKind: kind, at: Math.max(event.at, atMs) };
  const later = new Set(stagesAfter(entered).map((stage) => stage.key));
  const missed = (stage: Stage): boolean =>
    later.has(stage.key) && stage.startsAtMs !== null && stage.startsAtMs <= atMs;
  if (!entered.stages.some(missed)) return { kind: 'changed', event: entered };
  const stages = entered.stages.map((stage) => (missed(stage) ? { ...stage, startsAtMs: null } : stage));
  return newVersion({ ...entered, stages });
}
