import { must } from '../../foundation/index.ts';
import type { LiveEvent, Stage, StageKind } from '../live-event.ts';
import { apply } from './apply.ts';
import type { Asking, LiveCommand } from './live-command.ts';

/** What tests of live events share: a fight with rounds, and who asks. */

export const minuteMs = 60_000;
export const startMs = Date.UTC(2026, 10, 21, 20, 0);

export const asking: Asking = { actor: 'operator', reason: null, expectedVersion: null };

export function stage(key: string, kind: StageKind, inMinutes: number | null): Stage {
  return { key, kind, startsAtMs: inMinutes === null ? null : startMs + inMinutes * minuteMs };
}

/** Minutes from `startMs`. */
export const fightStages: readonly Stage[] = [
  stage('announced', 'announced', 0),
  stage('lobby', 'lobby', 30),
  stage('live', 'live', 60),
  stage('round-2', 'custom', 70),
  stage('ended', 'ended', 90),
  stage('replay', 'replay', 120),
];

export const createFight: Extract<LiveCommand, { readonly kind: 'create' }> = {
  kind: 'create',
  title: 'The fight',
  stages: fightStages,
  audience: null,
  plan: null,
};

/** What a row of commands makes of an event; each has to be taken. */
export function eventAfter(commands: readonly LiveCommand[], nowMs = startMs): LiveEvent {
  let event: LiveEvent | null = null;
  for (const command of commands) {
    const applied = apply(event, { id: 'fight-1', epoch: 1000, command, ...asking }, nowMs);
    if (applied.kind === 'refused') throw new Error(`${command.kind}: ${applied.message}`);
    event = applied.entry.after;
  }
  return must(event, 'a command was given');
}

export function fightIn(kind: StageKind): LiveEvent {
  if (kind === 'announced') return eventAfter([createFight]);
  if (kind === 'cancelled') return eventAfter([createFight, { kind: 'cancel' }]);
  const { key } = must(
    fightStages.find((one) => one.kind === kind),
    'the fight has every kind',
  );
  return eventAfter([createFight, { kind: 'advance', to: key, from: null }]);
}

export function advanceTo(to: string | null): LiveCommand {
  return { kind: 'advance', to, from: null };
}

export function move(key: string, inMinutes: number | null, movesFollowing = false): LiveCommand {
  const { startsAtMs } = stage(key, 'custom', inMinutes);
  return { kind: 'reschedule', moves: [{ key, startsAtMs }], movesFollowing };
}
