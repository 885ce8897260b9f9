import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Broadcast, ServerMessage } from './protocol.ts';
import { firstState, isOutdated, nextStage, type StageState, type Verdict } from './stage-machine.ts';
import type { Schedule } from './stage-order.ts';

const schedule: Schedule = [
  { key: 'announced', kind: 'announced', startsAtMs: 100 },
  { key: 'lobby', kind: 'lobby', startsAtMs: 200 },
  { key: 'live', kind: 'live', startsAtMs: 300 },
  { key: 'round-2', kind: 'custom', startsAtMs: null },
  { key: 'ended', kind: 'ended', startsAtMs: 400 },
  { key: 'replay', kind: 'replay', startsAtMs: 500 },
];
const keys = schedule.map(({ key }) => key);
const rank = (stage: string | null): number => (stage === 'cancelled' ? 99 : keys.indexOf(stage ?? ''));

function broadcast(sequence: number, stage: string, rest: Partial<Broadcast> = {}): Broadcast {
  const at = 1000 + keys.indexOf(stage);
  return { type: 'broadcast', event: 'e', epoch: 1, sequence, version: 1, stage, at, ...rest };
}

function greeting(state: Broadcast, kind: 'welcome' | 'NEW' | 'EPOCH' | 'TOO_OLD' | 'AHEAD'): ServerMessage {
  const rest = { ...state, pingMs: 25_000, now: 1 };
  return kind === 'welcome'
    ? { ...rest, type: 'welcome', recovered: true }
    : { ...rest, type: 'resync', reason: kind };
}

function at(stage: string | null, sequence: number, epoch = 1): StageState {
  return { cursor: { epoch, sequence }, version: 1, stage, at: 1000 + keys.indexOf(stage ?? '') };
}

/** Every stage that may be shown, times every kind of message that may come. */
const stagesShown = [null, ...keys, 'cancelled', 'unknown'];
const messages: readonly (readonly [string, (stage: string) => ServerMessage])[] = [
  ['the next broadcast', (stage) => broadcast(6, stage)],
  ['a broadcast behind a hole', (stage) => broadcast(60, stage)],
  ['a duplicate', (stage) => broadcast(5, stage)],
  ['an older one', (stage) => broadcast(2, stage)],
  ['another life', (stage) => broadcast(1, stage, { epoch: 2 })],
  ['an earlier life', (stage) => broadcast(9, stage, { epoch: 0 })],
  ['another event', (stage) => broadcast(9, stage, { event: 'f' })],
  ['a welcome', (stage) => greeting(broadcast(7, stage), 'welcome')],
  ['a welcome without news', (stage) => greeting(broadcast(5, stage), 'welcome')],
  ['a resync of another life', (stage) => greeting(broadcast(1, stage, { epoch: 3 }), 'EPOCH')],
  ['a resync that is far ahead', (stage) => greeting(broadcast(900, stage), 'TOO_OLD')],
  ['a resync that is behind', (stage) => greeting(broadcast(3, stage), 'AHEAD')],
];
const dropped: ReadonlySet<Verdict> = new Set(['duplicate', 'old-epoch', 'other-event']);

describe('the stage machine', () => {
  it.each(messages)('has an answer to %s in every stage, and never goes back', (name, make) => {
    for (const shown of stagesShown) {
      for (const stage of [...keys, 'cancelled', 'other']) {
        const before = at(shown, 5);
        const { state, verdict } = nextStage(before, make(stage), 'e', schedule);
        const where = `${name}: ${shown} -> ${stage}`;
        if (dropped.has(verdict)) expect(state, where).toBe(before);
        else expect(state.cursor, where).not.toEqual(before.cursor);
        if (rank(shown) >= 0 && rank(state.stage) >= 0)
          expect(rank(state.stage), where).toBeGreaterThanOrEqual(rank(shown));
        if (verdict === 'back') expect([state.stage, state.at], where).toEqual([before.stage, before.at]);
        if (verdict === 'shown' || verdict === 'same') expect(state.stage, where).toBe(stage);
      }
    }
  });

  it.each<readonly [string | null, ServerMessage, Verdict]>([
    [null, greeting(broadcast(6, 'lobby'), 'NEW'), 'shown'],
    ['lobby', broadcast(6, 'live'), 'shown'],
    ['lobby', broadcast(6, 'lobby'), 'same'],
    ['lobby', broadcast(6, 'lobby', { at: 7 }), 'shown'],
    ['live', broadcast(6, 'lobby'), 'back'],
    ['ended', broadcast(6, 'live', { epoch: 2 }), 'back'],
    ['live', broadcast(6, 'cancelled'), 'shown'],
    ['ended', broadcast(6, 'cancelled'), 'back'],
    ['replay', broadcast(6, 'cancelled'), 'back'],
    ['cancelled', broadcast(6, 'replay'), 'back'],
    ['live', broadcast(6, 'overtime'), 'shown'],
    ['overtime', broadcast(6, 'ended'), 'shown'],
    ['live', greeting(broadcast(4, 'live'), 'TOO_OLD'), 'duplicate'],
    ['live', greeting(broadcast(4, 'live'), 'AHEAD'), 'same'],
    ['live', broadcast(6, 'ended', { epoch: 0 }), 'old-epoch'],
    ['live', broadcast(6, 'ended', { event: 'other' }), 'other-event'],
  ])('shows %s, is told %o: %s', (shown, message, verdict) => {
    expect(nextStage(at(shown, 5), message, 'e', schedule).verdict).toBe(verdict);
  });

  it('goes by itself only forward, and leaves the time that a broadcast said', () => {
    const own = { type: 'own', stage: 'lobby', at: 200 } as const;
    expect(nextStage(firstState, own, 'e', schedule).state).toEqual({
      ...firstState,
      stage: 'lobby',
      at: 200,
    });
    expect(nextStage(at('announced', 5), own, 'e', schedule).verdict).toBe('shown');
    for (const stage of ['lobby', 'live', 'ended', 'cancelled', 'unknown']) {
      const before = at(stage, 5);
      expect(nextStage(before, own, 'e', schedule).state).toBe(before);
    }
  });

  it('knows when what was prefetched is of another schedule', () => {
    const before = at('lobby', 5);
    expect(isOutdated(3, before, broadcast(6, 'live', { version: 4 }))).toBe(true);
    expect(isOutdated(3, before, broadcast(6, 'live', { version: 2 }))).toBe(false);
    expect(isOutdated(3, before, broadcast(1, 'live', { version: 2, epoch: 2 }))).toBe(true);
    expect(isOutdated(3, before, greeting(broadcast(9, 'live', { version: 2 }), 'TOO_OLD'))).toBe(true);
    expect(isOutdated(3, before, greeting(broadcast(9, 'live', { version: 3 }), 'TOO_OLD'))).toBe(false);
  });
});

/** A life of an event as a producer promises it: stages in order, versions that grow, now and then the same stage again, perhaps called off. */
const life = fc
  .tuple(
    fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.boolean()), { minLength: 1, maxLength: 8 }),
    fc.boolean(),
  )
  .map(([steps, isCancelled]) => {
    const log: Broadcast[] = [];
    let place = 0;
    let version = 1;
    for (const [forward, isMoved] of steps) {
      place = Math.min(keys.length - 1, place + forward);
      if (isMoved) version += 1;
      log.push(broadcast(log.length + 1, keys[place] ?? 'announced', { version }));
    }
    if (isCancelled && place < keys.indexOf('ended'))
      log.push(broadcast(log.length + 1, 'cancelled', { version }));
    return log;
  });

describe('whatever the network does', () => {
  const order = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('broadcast' as const), pick: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('connect' as const), pick: fc.nat() }) },
    ),
    { maxLength: 40 },
  );

  /** What a gateway that knows the log up to some place says to a cursor. */
  function answer(log: readonly Broadcast[], known: number, state: StageState): ServerMessage[] {
    const newest = log[Math.min(known, log.length - 1)];
    if (newest === undefined) return [];
    const { epoch, sequence } = state.cursor;
    if (epoch === 0) return [greeting(newest, 'NEW')];
    if (epoch !== newest.epoch) return [greeting(newest, 'EPOCH')];
    if (sequence > newest.sequence) return [greeting(newest, 'AHEAD')];
    const missed = log.filter((one) => one.sequence > sequence && one.sequence <= newest.sequence);
    return [greeting(newest, 'welcome'), ...missed];
  }

  it('a device never goes back, and ends at the newest once it is connected to who knows it', () => {
    fc.assert(
      fc.property(life, order, (log, deliveries) => {
        let state = firstState;
        const take = (message: ServerMessage): void => {
          const next = nextStage(state, message, 'e', schedule);
          expect(rank(next.state.stage)).toBeGreaterThanOrEqual(rank(state.stage));
          state = next.state;
        };
        for (const { kind, pick } of deliveries) {
          const place = pick % log.length;
          // Lost, doubled and out of order; or another gateway, which knows more or less than the last.
          const said = kind === 'broadcast' ? [log[place]] : answer(log, place, state);
          for (const message of said) if (message !== undefined) take(message);
        }
        for (const message of answer(log, log.length - 1, state)) take(message);
        const newest = log[log.length - 1];
        expect(state).toMatchObject({ stage: newest?.stage, version: newest?.version });
        expect(state.cursor.sequence).toBe(newest?.sequence);
      }),
      { numRuns: 3000, seed: 20261121 },
    );
  });

  it('nor when the journal begins another life, wherever that is; it follows the greatest', () => {
    fc.assert(
      fc.property(fc.array(life, { minLength: 2, maxLength: 4 }), order, (lives, deliveries) => {
        const logs = lives.map((log, index) => log.map((one) => ({ ...one, epoch: index + 1 })));
        const all = logs.flat();
        let state = firstState;
        const take = (message: ServerMessage): void => {
          const next = nextStage(state, message, 'e', schedule);
          expect(rank(next.state.stage)).toBeGreaterThanOrEqual(rank(state.stage));
          expect(next.state.cursor.epoch).toBeGreaterThanOrEqual(state.cursor.epoch);
          state = next.state;
        };
        for (const { kind, pick } of deliveries) {
          const message = all[pick % all.length];
          const log = logs[pick % logs.length] ?? [];
          const said = kind === 'broadcast' ? [message] : answer(log, pick % log.length, state);
          for (const one of said) if (one !== undefined) take(one);
        }
        const last = logs[logs.length - 1] ?? [];
        const before = state.stage;
        for (const message of answer(last, last.length - 1, state)) take(message);
        const newest = last[last.length - 1];
        expect(state.cursor).toEqual({ epoch: newest?.epoch, sequence: newest?.sequence });
        const wasAhead = rank(before) > rank(newest?.stage ?? null);
        // Called off in one life and over in another: what is over is not called off.
        const isOver = newest?.stage === 'cancelled' && rank(before) >= keys.indexOf('ended');
        if (!wasAhead && !isOver) expect(state.stage).toBe(newest?.stage);
      }),
      { numRuns: 3000, seed: 7 },
    );
  });
});
