import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LiveEvent } from '../live-event.ts';
import { type Applied, apply } from './apply.ts';
import type { LiveCommand, LiveRequest } from './live-command.ts';
import {
  advanceTo,
  asking,
  createFight,
  eventAfter,
  fightIn,
  fightStages,
  minuteMs,
  move,
  stage,
  startMs,
} from './live-testing.ts';
import { dueStage, nextDueMs, scheduleFault } from './schedule.ts';

const at = (minutes: number): number => startMs + minutes * minuteMs;

function applied(
  event: LiveEvent | null,
  command: LiveCommand,
  nowMs: number,
  over: Partial<LiveRequest>,
): Applied {
  return apply(event, { id: 'fight-1', epoch: 1000, command, ...asking, ...over }, nowMs);
}

function refused(
  event: LiveEvent | null,
  command: LiveCommand,
  nowMs = startMs,
  over: Partial<LiveRequest> = {},
): Applied {
  const outcome = applied(event, command, nowMs, over);
  expect(outcome.kind).toBe('refused');
  return outcome;
}

function changed(
  event: LiveEvent | null,
  command: LiveCommand,
  nowMs = startMs,
  over: Partial<LiveRequest> = {},
): LiveEvent {
  const outcome = applied(event, command, nowMs, over);
  if (outcome.kind === 'refused') throw new Error(outcome.message);
  return outcome.entry.after;
}

describe('A schedule', () => {
  const live = stage('live', 'live', 60);
  const ended = stage('ended', 'ended', 90);
  it.each([
    { what: 'has no live stage', stages: [ended], says: 'no stage of kind live' },
    { what: 'never ends', stages: [live], says: 'no stage of kind ended' },
    { what: 'goes back', stages: [ended, live], says: '"live" (live) after "ended" (ended)' },
    { what: 'ends twice', stages: [live, ended, stage('e2', 'ended', 95)], says: 'after "ended"' },
    { what: 'begins with a round', stages: [stage('r', 'custom', 50), live, ended], says: 'before anything' },
    { what: 'has a key twice', stages: [live, stage('live', 'custom', 70), ended], says: 'twice' },
    { what: 'has a cancelled stage', stages: [live, stage('cancelled', 'ended', 90)], says: 'cancellation' },
    { what: 'has a bad key', stages: [stage('a/b', 'live', 1), ended], says: 'letters, digits' },
    { what: 'has times that go back', stages: [live, stage('e', 'ended', 59)], says: 'is before "live"' },
    { what: 'ends before time', stages: [{ ...live, startsAtMs: -1 }, ended], says: 'between 1970' },
    { what: 'has no whole times', stages: [{ ...live, startsAtMs: 1.5 }, ended], says: 'between 1970' },
    {
      what: 'has 33 stages',
      stages: [live, ...Array.from({ length: 31 }, (_, i) => stage(`r${i}`, 'custom', 61)), ended],
      says: '33 stages, and 32',
    },
  ])('that $what is refused by name', ({ stages, says }) => {
    expect(refused(null, { ...createFight, stages })).toMatchObject({
      code: 'LIVE_SCHEDULE_INVALID',
      message: expect.stringContaining(says),
    });
  });

  it('may have halves, and stages that are entered by hand', () => {
    const stages = [live, stage('half-time', 'custom', null), stage('second', 'live', null), ended];
    expect(changed(null, { ...createFight, stages })).toMatchObject({ stage: 'announced', version: 1 });
  });

  it('without an announcement gets one, so that a lobby opens when it says', () => {
    const created = eventAfter([{ ...createFight, stages: fightStages.slice(1) }]);
    expect(created.stages[0]).toEqual({ key: 'announced', kind: 'announced', startsAtMs: startMs });
    expect(created).toMatchObject({ stage: 'announced', at: startMs, sequence: 1 });
  });

  it('of times in the past means now', () => {
    const { stages } = changed(null, createFight, at(65));
    expect(stages.map(({ startsAtMs }) => startsAtMs)).toEqual([65, 65, 65, 70, 90, 120].map(at));
  });
});

describe('A request', () => {
  it.each([
    { what: 'an id', over: { id: 'a b' } },
    { what: 'a title', command: { ...createFight, title: 'x'.repeat(201) } },
    { what: 'no title', command: { ...createFight, title: '' } },
    { what: 'a reason', over: { reason: 'x'.repeat(501) } },
    { what: 'an actor', over: { actor: 'x'.repeat(201) } },
    { what: 'an audience', command: { ...createFight, audience: '' } },
    { what: 'a plan of too many bytes', command: { ...createFight, plan: 'é'.repeat(140_000) } },
  ])('with $what that cannot be is refused', ({ over, command }) => {
    expect(refused(null, command ?? createFight, startMs, over)).toMatchObject({
      code: 'LIVE_EVENT_INVALID',
    });
  });

  it('with another version than the one in force is refused as stale', () => {
    const moved = eventAfter([createFight, move('live', 61)]);
    expect(moved.version).toBe(2);
    expect(refused(moved, { kind: 'end' }, startMs, { expectedVersion: 1 })).toMatchObject({
      code: 'LIVE_VERSION_STALE',
    });
    expect(changed(moved, { kind: 'end' }, startMs, { expectedVersion: 2 })).toMatchObject({
      stage: 'ended',
    });
  });
});

describe('Rescheduling', () => {
  const times = (event: LiveEvent): readonly number[] =>
    event.stages.map(({ startsAtMs }) => ((startsAtMs ?? 0) - startMs) / minuteMs);

  it('moves one stage, and what follows when that is asked for', () => {
    expect(times(changed(fightIn('lobby'), move('live', 65)))).toEqual([0, 30, 65, 70, 90, 120]);
    expect(times(changed(fightIn('lobby'), move('live', 75, true)))).toEqual([0, 30, 75, 85, 105, 135]);
  });

  it('that would let times go back says so', () => {
    expect(refused(fightIn('lobby'), move('live', 75))).toMatchObject({
      code: 'LIVE_SCHEDULE_INVALID',
      message: expect.stringContaining('move what follows'),
    });
  });

  it('into the past means now', () => {
    expect(times(changed(fightIn('lobby'), move('live', 20), at(40)))).toEqual([0, 30, 40, 70, 90, 120]);
  });

  it('to null takes the clock out of it', () => {
    const byHand = eventAfter([createFight, move('lobby', null)]);
    expect(nextDueMs(byHand)).toBe(null);
    expect(dueStage(byHand, at(500))).toBe(null);
  });

  it.each([
    { what: 'a stage that is over', command: move('lobby', 100) },
    { what: 'the stage that holds', command: move('live', 100) },
    { what: 'a stage that is not there', command: move('round-9', 100) },
    { what: 'nothing', command: { kind: 'reschedule', moves: [], movesFollowing: false } as const },
    { what: 'to where it is', command: move('ended', 90) },
    { what: 'to no time', command: move('ended', Number.NaN) },
    {
      what: 'a stage twice',
      command: {
        ...move('ended', 95),
        moves: [stage('ended', 'ended', 95), stage('ended', 'ended', 96)],
      } as LiveCommand,
    },
  ])('$what is refused', ({ command }) => {
    expect(refused(fightIn('live'), command)).toMatchObject({ code: 'LIVE_SCHEDULE_INVALID' });
  });
});

describe('Advancing', () => {
  it('never goes back, nor where it is, nor to what is not there', () => {
    for (const to of ['lobby', 'live', 'nowhere', 'cancelled'])
      expect(refused(fightIn('live'), advanceTo(to))).toMatchObject({ code: 'LIVE_TRANSITION_REFUSED' });
  });

  it('twice from the same stage is taken once', () => {
    const once = eventAfter([createFight, { kind: 'advance', to: null, from: 'announced' }]);
    expect(refused(once, { kind: 'advance', to: null, from: 'announced' })).toMatchObject({
      code: 'LIVE_TRANSITION_REFUSED',
    });
  });

  it('leaves the version as it is, so that no device fetches anything at that moment', () => {
    expect(fightIn('live').version).toBe(1);
  });

  it('late by hand does not let the clock end at once what has just begun', () => {
    const waiting = eventAfter([createFight, move('live', null)]);
    const late = changed(waiting, advanceTo('live'), at(95));
    expect(late).toMatchObject({ stage: 'live', version: waiting.version + 1 });
    expect(late.stages.map(({ startsAtMs }) => startsAtMs)).toEqual([
      at(0),
      at(30),
      null,
      null,
      null,
      at(120),
    ]);
    expect(dueStage(late, at(95))).toBe(null);
  });

  it('never lets the moment of a stage go back, whatever the clock says', () => {
    expect(changed(fightIn('live'), advanceTo('ended'), startMs - 1000)).toMatchObject({ at: startMs });
  });
});

describe('The clock', () => {
  const clock = (stageKey: string, version = 1): LiveCommand => ({ kind: 'clock', version, stage: stageKey });

  it('enters the newest stage that is due, from the time in the schedule', () => {
    expect(changed(fightIn('announced'), clock('live'), at(61))).toMatchObject({ stage: 'live', at: at(60) });
    expect(refused(fightIn('announced'), clock('lobby'), at(61))).toMatchObject({
      code: 'LIVE_TRANSITION_REFUSED',
    });
  });

  it('does nothing for a stage that is not due, or for another version', () => {
    expect(refused(fightIn('announced'), clock('lobby'), at(29))).toMatchObject({
      code: 'LIVE_TRANSITION_REFUSED',
    });
    expect(refused(fightIn('announced'), clock('live', 2), at(61))).toMatchObject({
      code: 'LIVE_VERSION_STALE',
    });
  });

  it('stops before a stage that is entered by hand', () => {
    const waiting = eventAfter([createFight, move('live', null)]);
    expect(dueStage(waiting, at(500))?.key).toBe('lobby');
  });
});

describe('After any commands at any times', () => {
  const keys = [...fightStages.map(({ key }) => key), 'nowhere'];
  const time = fc.option(fc.integer({ min: -10, max: 200 }));
  const command: fc.Arbitrary<LiveCommand> = fc.oneof(
    fc.constant(createFight),
    fc.record({
      kind: fc.constant('advance' as const),
      to: fc.option(fc.constantFrom(...keys)),
      from: fc.constant(null),
    }),
    fc
      .tuple(fc.constantFrom(...keys), time, fc.boolean())
      .map(([key, minutes, all]) => move(key, minutes, all)),
    fc.constant({ kind: 'end' } as const),
    fc.constant({ kind: 'cancel' } as const),
    fc.constant({ kind: 'plan', plan: 'p' } as const),
    fc.constant({ kind: 'audience', audience: 'a' } as const),
    fc.record({
      kind: fc.constant('clock' as const),
      version: fc.integer({ min: 1, max: 4 }),
      stage: fc.constantFrom(...keys),
    }),
  );
  const steps = fc.array(fc.tuple(command, fc.integer({ min: -5, max: 200 })), {
    minLength: 5,
    maxLength: 40,
  });

  it('stages and moments never go back, sequences have no hole and the schedule is a schedule', () => {
    let taken = 0;
    fc.assert(
      fc.property(steps, (asked) => {
        let event: LiveEvent | null = eventAfter([createFight]);
        for (const [one, minutes] of asked) {
          const outcome = applied(event, one, at(minutes), {});
          if (outcome.kind === 'refused') continue;
          taken += 1;
          const before: LiveEvent = event;
          const { after } = outcome.entry;
          const place = ({ stages, stage: key }: LiveEvent): number => {
            const index = stages.findIndex((candidate) => candidate.key === key);
            return index === -1 ? stages.length : index;
          };
          expect(after.sequence).toBe(before.sequence + 1);
          expect(after.at).toBeGreaterThanOrEqual(before.at);
          expect(place(after)).toBeGreaterThanOrEqual(place(before));
          expect(after.version - before.version).toBeOneOf([0, 1]);
          expect(scheduleFault(after.stages, 32)).toBe(null);
          if (after.stages.some((next, i) => next.startsAtMs !== before.stages[i]?.startsAtMs))
            expect(after.version).toBe(before.version + 1);
          event = after;
        }
      }),
      { seed: 7, numRuns: 500 },
    );
    expect(taken).toBeGreaterThan(1000);
  });
});
