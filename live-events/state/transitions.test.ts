import { describe, expect, it } from 'vitest';
import { must } from '../../foundation/index.ts';
import { apply } from './apply.ts';
import type { CommandKind, LiveCommand } from './live-command.ts';
import { asking, createFight, fightIn, fightStages, minuteMs, move, startMs } from './live-testing.ts';
import type { StateKind } from './transitions.ts';

/** As people agreed on it, not as the code has it. A stage's name: the event is in it afterwards. */
const agreed = `
            none       announced  lobby      live       custom     ended      replay     cancelled
create      announced  EXISTS     EXISTS     EXISTS     EXISTS     EXISTS     EXISTS     EXISTS
reschedule  UNKNOWN    announced  lobby      live       round-2    ended      REFUSED    REFUSED
advance     UNKNOWN    lobby      live       round-2    ended      replay     REFUSED    REFUSED
end         UNKNOWN    ended      ended      ended      ended      REFUSED    REFUSED    REFUSED
cancel      UNKNOWN    cancelled  cancelled  cancelled  cancelled  REFUSED    REFUSED    REFUSED
plan        UNKNOWN    announced  lobby      live       round-2    ended      replay     REFUSED
audience    UNKNOWN    announced  lobby      live       round-2    REFUSED    REFUSED    REFUSED
clock       UNKNOWN    replay     replay     replay     replay     replay     REFUSED    REFUSED
`;
const codes: Readonly<Record<string, string>> = {
  EXISTS: 'LIVE_EVENT_EXISTS',
  UNKNOWN: 'LIVE_EVENT_UNKNOWN',
  REFUSED: 'LIVE_TRANSITION_REFUSED',
};

const commands: Readonly<Record<CommandKind, LiveCommand>> = {
  create: createFight,
  reschedule: move('replay', 200),
  advance: { kind: 'advance', to: null, from: null },
  end: { kind: 'end' },
  cancel: { kind: 'cancel' },
  plan: { kind: 'plan', plan: '{}' },
  audience: { kind: 'audience', audience: 'a-1' },
  clock: { kind: 'clock', version: 1, stage: 'replay' },
};
const states: readonly StateKind[] = [
  'none',
  'announced',
  'lobby',
  'live',
  'custom',
  'ended',
  'replay',
  'cancelled',
];

function isState(text: string): text is StateKind {
  return states.some((state) => state === text);
}

const [head = '', ...rows] = agreed.trim().split('\n');
const columns = head.trim().split(/ +/).filter(isState);
const cells = rows.flatMap((row) => {
  const [name = '', ...outcomes] = row.trim().split(/ +/);
  return outcomes.map((outcome, i) => ({ name, state: must(columns[i], 'a column'), outcome }));
});

describe('The table of transitions', () => {
  it('is walked as a whole', () => {
    expect(columns).toEqual(states);
    expect(cells).toHaveLength(Object.keys(commands).length * states.length);
  });

  it.each(cells)('$name in $state: $outcome', ({ name, state, outcome }) => {
    const command = must(
      Object.values(commands).find(({ kind }) => kind === name),
      name,
    );
    const event = state === 'none' ? null : fightIn(state);
    // Everything is due by then.
    const nowMs = name === 'clock' ? startMs + 1000 * minuteMs : startMs;
    const applied = apply(event, { id: 'fight-1', epoch: 1000, command, ...asking }, nowMs);
    if (applied.kind === 'refused') {
      expect(applied.code).toBe(codes[outcome]);
      return;
    }
    const { after } = applied.entry;
    expect(after.stage).toBe(outcome);
    expect(after.stageKind).toBe(fightStages.find(({ key }) => key === outcome)?.kind ?? 'cancelled');
    expect(after.sequence).toBe((event?.sequence ?? 0) + 1);
    expect(applied.entry).toMatchObject({ command: name, actor: 'operator', timeMs: nowMs });
  });
});
