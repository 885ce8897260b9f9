import { type Cursor, noCursor, type ServerMessage } from './protocol.ts';
import { mayFollow, type Schedule } from './stage-order.ts';

/** Where a device is in one event. */
export interface StageState {
  /** Of the last message that was taken. */
  readonly cursor: Cursor;
  /** Of the schedule, as that message had it. */
  readonly version: number;
  /** The stage that is shown; null before any. */
  readonly stage: string | null;
  /** It holds from then, by the server's clock. */
  readonly at: number;
}

export const firstState: StageState = { cursor: noCursor, version: 0, stage: null, at: 0 };

/** A stage that the schedule lets the device show by itself. */
export interface OwnStage {
  readonly type: 'own';
  readonly stage: string;
  readonly at: number;
}

export type StageInput = ServerMessage | OwnStage;

/**
 * `shown`: another stage, or another time of it, is to be shown. `same`: newer, and shown already. `back`: newer, but its stage comes before the one
 * that is shown, which stays. The rest changes nothing.
 */
export type Verdict = 'shown' | 'same' | 'back' | 'duplicate' | 'old-epoch' | 'other-event';

export interface StageStep {
  readonly state: StageState;
  readonly verdict: Verdict;
}

/**
 * Total: any state and any message have an answer, and in none of them does the shown stage go back. A welcome states the whole at its sequence, so what follows it
 * up to there are duplicates: of several missed stages only the last is shown.
 */
export function nextStage(
  state: StageState,
  input: StageInput,
  event: string,
  schedule: Schedule,
): StageStep {
  if (input.type === 'own') return showOwn(state, input, schedule);
  if (input.event !== event) return { state, verdict: 'other-event' };
  const { epoch, sequence, version } = input;
  if (epoch < state.cursor.epoch) return { state, verdict: 'old-epoch' };
  // Only the server that says it is behind may set a cursor back; the shown stage stays whatever it says.
  const isCorrection = input.type === 'resync' && input.reason === 'AHEAD';
  if (epoch === state.cursor.epoch && sequence <= state.cursor.sequence && !isCorrection)
    return { state, verdict: 'duplicate' };
  return show(state, input, { ...state, cursor: { epoch, sequence }, version }, schedule);
}

function show(
  before: StageState,
  { stage, at }: { readonly stage: string; readonly at: number },
  taken: StageState,
  schedule: Schedule,
): StageStep {
  if (!mayFollow(schedule, before.stage, stage)) return { state: taken, verdict: 'back' };
  const isSame = before.stage === stage && before.at === at;
  return { state: { ...taken, stage, at }, verdict: isSame ? 'same' : 'shown' };
}

/** By itself a device goes only where it knows that it is forward, and never touches what a broadcast has said of the stage it shows. */
function showOwn(state: StageState, { stage, at }: OwnStage, schedule: Schedule): StageStep {
  if (state.stage === stage) return { state, verdict: 'same' };
  const isKnown = state.stage === null || schedule.some(({ key }) => key === state.stage);
  if (!isKnown || !mayFollow(schedule, state.stage, stage)) return { state, verdict: 'back' };
  return { state: { ...state, stage, at }, verdict: 'shown' };
}

/**
 * Whether what was prefetched is of another schedule than the one in force. After a resync, or in another life of the journal, versions are not comparable: any other
 * one is news.
 */
export function isOutdated(heldVersion: number, before: StageState, input: ServerMessage): boolean {
  const startsAnew = input.type === 'resync' || input.epoch > before.cursor.epoch;
  return startsAnew ? input.version !== heldVersion : input.version > heldVersion;
}
