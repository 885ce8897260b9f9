import { describe, expect, it } from 'vitest';
import { silentLog } from '../../foundation/index.ts';
import type { JournalEntry, LiveEvent, LiveEvents, StageKind } from '../live-event.ts';
import { RuleSet, type RuleSetLimits, type RuleWindow, ruleSetLimitsDefault } from './rule-set.ts';

const limits: RuleSetLimits = {
  ...ruleSetLimitsDefault,
  rules: [
    { name: 'live', when: { kind: 'phase', phases: ['live'] }, admitShare: { prefetch: 0.5, bulk: 0 }, logShare: 0.1 }, // biome-ignore format: one row
    { name: 'rush', when: { kind: 'rate', requestsPerSecond: 1_000 }, admitShare: { bulk: 0.2 }, logShare: 0.5 }, // biome-ignore format: one row
  ],
};

function setUp(over: Partial<RuleSetLimits> = {}) {
  const said: string[] = [];
  const log = { ...silentLog, warn: (fields: object, message: string) => said.push(`${message} ${JSON.stringify(fields)}`) }; // biome-ignore format: one row
  const rules = new RuleSet({ ...limits, ...over }, log);
  const time = { nowMs: 0 };
  const run = (seconds: number, flow: Partial<RuleWindow> = {}): void => {
    for (let i = 0; i < seconds; i += 1) {
      time.nowMs += 1_000;
      rules.tick(time.nowMs, { seconds: 1, offered: 200, admitted: 200, downstreamCalls: 400, ...flow });
    }
  };
  const on = (): string[] => rules.state().rules.flatMap((state) => (state.on ? [state.rule] : []));
  return { rules, run, on, said };
}

const enter = (stageKind: StageKind) => ({ id: 'fight-1', stageKind });

describe('RuleSet', () => {
  it('switches a rule on for as long as an event is in its phase, and says each switch with its reason', () => {
    const { rules, run, on, said } = setUp();
    run(5);
    expect([on(), rules.admitShare('bulk'), rules.logShare()]).toEqual([[], 1, 1]);
    rules.entered(enter('live'));
    run(1);
    expect(on()).toEqual(['live']);
    expect([rules.admitShare('user'), rules.admitShare('prefetch'), rules.admitShare('bulk')]).toEqual([1, 0.5, 0]); // biome-ignore format: one row
    expect(rules.logShare()).toBe(0.1);
    run(20);
    rules.entered(enter('ended'));
    run(1);
    expect(on()).toEqual([]);
    expect(rules.state().switches).toMatchObject([
      { rule: 'live', on: true, reason: 'fight-1 is live' },
      { rule: 'live', on: false, reason: 'what switched it on is over' },
    ]);
    expect(said).toHaveLength(2);
    expect(said[0]).toContain('fight-1 is live');
  });

  it('follows the events that there are and those that change', () => {
    const { rules, run, on } = setUp();
    const at = { stage: 'live', stageKind: 'live', at: 0, version: 1, epoch: 1, sequence: 1 } as const;
    const event: LiveEvent = {
      ...{ id: 'old', title: 'Old', audience: null, stages: [], createdMs: 0, plan: null },
      ...at,
    };
    let told: (entry: JournalEntry) => void = () => undefined;
    const events: LiveEvents = {
      epoch: 1,
      get: () => event,
      list: () => [event],
      broadcastsAfter: async () => [],
      watch: (listener) => {
        told = listener;
        return () => undefined;
      },
      watchRemovals: () => () => undefined,
    };
    rules.follow(events);
    run(1);
    expect(on()).toEqual(['live']);
    const entry = {
      event: 'old',
      sequence: 2,
      timeMs: 0,
      actor: 'local',
      command: 'cancel',
      reason: null,
    } as const;
    told({ ...entry, after: { ...event, stageKind: 'cancelled' } });
    run(20);
    expect(on()).toEqual([]);
  });

  it('holds a rule for a while on either side, and ends one of a rate only well below it', () => {
    const { run, on } = setUp();
    run(1, { offered: 1_000 });
    expect(on()).toEqual(['rush']);
    run(9, { offered: 100 });
    expect(on()).toEqual(['rush']);
    run(20, { offered: 800 });
    expect(on()).toEqual(['rush']);
    run(1, { offered: 600 });
    expect(on()).toEqual([]);
    run(9, { offered: 5_000 });
    expect(on()).toEqual([]);
    run(1, { offered: 5_000 });
    expect(on()).toEqual(['rush']);
  });

  it('gives a rule up when calls behind it rise, keeps it off for a while, then tries again', () => {
    const { rules, run, on } = setUp();
    run(60);
    rules.entered(enter('live'));
    run(1);
    expect(on()).toEqual(['live']);
    run(4, { downstreamCalls: 4_000 });
    expect(on()).toEqual(['live']);
    run(2, { downstreamCalls: 4_000 });
    expect(on()).toEqual([]);
    expect(rules.state().rules[0]).toMatchObject({ on: false, blockedUntilMs: expect.any(Number) });
    expect(rules.state().switches.at(-1)?.reason).toBe(
      'store calls rose to 20.0 (before 2.0) a request and 4000.0 (before 400.0) a second',
    );
    run(115);
    expect(on()).toEqual([]);
    run(10);
    expect(on()).toEqual(['live']);
  });

  it.each([
    ['more people come', { offered: 900, admitted: 900, downstreamCalls: 1_800 }],
    ['cheap requests are held back', { offered: 200, admitted: 100, downstreamCalls: 390 }],
    ['too few requests say anything', { offered: 1, admitted: 1, downstreamCalls: 50 }],
  ])('keeps a rule while %s', (_name, flow) => {
    const { rules, run, on } = setUp();
    run(60);
    rules.entered(enter('live'));
    run(40, flow);
    expect(on()).toEqual(['live']);
  });

  it('gives up the newest of two rules first and the other only when that did not help', () => {
    const { rules, run, on } = setUp();
    run(60);
    rules.entered(enter('live'));
    run(2);
    run(5, { offered: 2_000 });
    expect(on()).toEqual(['live', 'rush']);
    const spilling = { offered: 2_000, admitted: 300, downstreamCalls: 3_000 };
    run(3, spilling);
    expect(on()).toEqual(['live']);
    run(6, spilling);
    expect(on()).toEqual([]);
  });

  it('begun in the middle of an event, takes what it finds for usual, gives a rule up when calls rise from there, and learns once that is off', () => {
    const { rules, run, on } = setUp();
    rules.entered(enter('live'));
    run(1, { offered: 0, admitted: 0, downstreamCalls: 0 });
    run(60, { downstreamCalls: 4_000 });
    expect([on(), rules.state().baseline?.callsPerSecond]).toEqual([['live'], 4_000]);
    run(1, { downstreamCalls: 8_000 });
    expect(on()).toEqual([]);
    // All of it, not a tenth: what was learned under the rule was never calm.
    run(6, { downstreamCalls: 400 });
    expect(rules.state().baseline?.callsPerSecond).toBe(400);
  });

  it('remembers a bounded number of switches', () => {
    const { rules, run } = setUp({ holdMs: 0, switchesMax: 4 });
    for (let i = 0; i < 10; i += 1) {
      rules.entered(enter(i % 2 === 0 ? 'live' : 'ended'));
      run(1);
    }
    expect(rules.state().switches).toHaveLength(4);
  });
});
