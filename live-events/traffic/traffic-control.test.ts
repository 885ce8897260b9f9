import { describe, expect, it } from 'vitest';
import { seededRandom, silentLog } from '../../foundation/index.ts';
import { EventPools } from './event-pool.ts';
import { OverloadHistory, overloadHistoryLimitsDefault } from './overload-history.ts';
import {
  type Admission,
  type Outcome,
  TrafficControl,
  type TrafficLimits,
  trafficLimitsDefault,
} from './traffic-control.ts';
import { runVirtualServer, type Second, sumOf } from './virtual-server-testing.ts';

const answered: Outcome = { kind: 'answered', downstreamCalls: 2 };
const withoutRules: TrafficLimits = {
  ...trafficLimitsDefault,
  rules: { ...trafficLimitsDefault.rules, rules: [] },
};

function setUp(limits = withoutRules) {
  const time = { nowMs: 0, utilisation: 0 };
  const pools = new EventPools([
    { events: ['fight'], pool: { kind: 'partition', name: 'fight', share: 0.2 } },
  ]);
  const parts = { nowMs: () => time.nowMs, random: seededRandom(2), log: silentLog, meter: { utilisation: () => time.utilisation }, pools }; // biome-ignore format: one row
  return { control: new TrafficControl(limits, parts), time };
}

const user = { requestClass: 'user', event: null } as const;

function end(admission: Admission, outcome: Outcome): void {
  expect(admission.kind).toBe('admitted');
  if (admission.kind === 'admitted') admission.done(outcome);
}

describe('TrafficControl', () => {
  it('counts a request in flight until it is done, once', () => {
    const { control } = setUp();
    const admission = control.admit(user);
    expect(control.state()).toMatchObject({ inFlight: 1, counts: { user: { admitted: 1 } } });
    end(admission, answered);
    end(admission, answered);
    expect(control.state().inFlight).toBe(0);
  });

  it('refuses what has no place with a wait and a budget of tries', () => {
    const { control } = setUp();
    const admissions = Array.from({ length: 21 }, () => control.admit(user));
    expect(admissions.at(-1)).toMatchObject({
      kind: 'refused',
      reason: 'limit',
      refusal: { status: 503, code: 'OVERLOADED', retriesMax: 3 },
    });
    expect(control.state().counts.user.refused).toEqual({ rule: 0, load: 0, limit: 1 });
  });

  it('keeps the traffic of an event to its pool, whatever the others do', () => {
    const { control } = setUp();
    const event = { requestClass: 'user', event: 'fight' } as const;
    const kinds = Array.from({ length: 6 }, () => control.admit(event).kind);
    expect(kinds).toEqual(['admitted', 'admitted', 'admitted', 'admitted', 'refused', 'refused']);
    expect(control.admit(user).kind).toBe('admitted');
  });

  it('takes time that is no latency for none: sockets, callers that left, failures', () => {
    const { control, time } = setUp();
    for (let i = 0; i < 500; i += 1) {
      const kinds = ['abandoned', 'failed'] as const;
      const admission = control.admit(user);
      time.nowMs += 100_000;
      end(admission, { kind: kinds[i % 2] ?? 'failed', downstreamCalls: 0 });
    }
    expect(control.state()).toMatchObject({ limit: 20, load: { slowShare: 0 }, overload: 0 });
  });

  it('sheds bulk under a load that users do not notice', () => {
    const { control, time } = setUp();
    time.utilisation = 0.72;
    const kept = { bulk: 0, user: 0 };
    for (let i = 0; i < 6_000; i += 1) {
      time.nowMs += 10;
      for (const requestClass of ['bulk', 'user'] as const) {
        const admission = control.admit({ requestClass, event: null });
        if (admission.kind === 'refused') continue;
        kept[requestClass] += 1;
        admission.done(answered);
      }
    }
    expect(kept.user).toBe(6_000);
    expect(kept.bulk).toBeLessThan(4_500);
    expect(kept.bulk).toBeGreaterThan(2_500);
  });

  it('takes requests that miss their objective for load, also where the CPU is idle, but sheds no users for it', () => {
    const { control, time } = setUp();
    for (let i = 0; i < 200; i += 1) {
      time.nowMs += 100;
      const admissions = Array.from({ length: 10 }, () => control.admit(user));
      time.nowMs += 600;
      for (const admission of admissions) if (admission.kind === 'admitted') admission.done(answered);
    }
    expect(control.state()).toMatchObject({
      load: { slowShare: 1 },
      overload: 0.75,
      keptShare: { bulk: 0, user: 1 },
    });
  });

  it('asks for the rules before anything else, with 429', () => {
    const { control, time } = setUp(trafficLimitsDefault);
    control.rules.entered({ id: 'fight', stageKind: 'live' });
    time.nowMs = 20_000;
    expect(control.admit({ requestClass: 'bulk', event: null })).toMatchObject({
      kind: 'refused',
      reason: 'rule',
      refusal: { status: 429, code: 'CLASS_PAUSED' },
    });
    expect(control.admit(user).kind).toBe('admitted');
  });
});

describe('TrafficControl while no requests come', () => {
  it('says which rules hold when it is asked, and how much of the log is kept', () => {
    const { control, time } = setUp(trafficLimitsDefault);
    const on = (): readonly string[] =>
      control.state().rules.rules.flatMap(({ rule, on }) => (on ? [rule] : []));
    expect([control.logShare(), on()]).toEqual([1, []]);
    control.rules.entered({ id: 'fight', stageKind: 'live' });
    time.nowMs += 1_000;
    expect(control.logShare()).toBe(0.05);
    time.nowMs += 3_600_000;
    control.rules.entered({ id: 'fight', stageKind: 'ended' });
    expect([control.logShare(), on()]).toEqual([1, []]);
    control.rules.entered({ id: 'fight', stageKind: 'live' });
    time.nowMs += 20_000;
    expect([on(), control.logShare()]).toEqual([['live'], 0.05]);
  });
});

describe('TrafficControl for connects', () => {
  it('takes no place among requests, and wants none', () => {
    const { control } = setUp();
    for (let i = 0; i < 30; i += 1) control.admit(user);
    const { inFlight } = control.state();
    for (let i = 0; i < 500; i += 1) expect(control.admitSocket('live-critical').kind).toBe('admitted');
    expect(control.state()).toMatchObject({ inFlight, counts: { 'live-critical': { admitted: 500 } } });
  });

  it('sheds them after everything else, with their budget of tries', () => {
    const { control, time } = setUp();
    time.utilisation = 0.8;
    const kept = (): string[] => {
      for (let i = 0; i < 200; i += 1) {
        time.nowMs += 100;
        control.admitSocket('live-critical');
      }
      return [
        control.admitSocket('live-critical').kind,
        control.admit({ ...user, requestClass: 'bulk' }).kind,
      ];
    };
    expect(kept()).toEqual(['admitted', 'refused']);
    time.utilisation = 1;
    expect(kept()).toEqual(['refused', 'refused']);
    expect(control.admitSocket('live-critical')).toMatchObject({
      reason: 'load',
      refusal: { status: 503, code: 'OVERLOADED', retriesMax: 8 },
    });
  });

  it('counts a storm of them as a rush, for which bulk waits', () => {
    const { control, time } = setUp(trafficLimitsDefault);
    time.nowMs = 20_000;
    for (let i = 0; i < 2_600; i += 1) {
      time.nowMs += 0.3;
      control.admitSocket('live-critical');
    }
    time.nowMs += 300;
    expect(control.admit({ ...user, requestClass: 'bulk' })).toMatchObject({
      kind: 'refused',
      reason: 'rule',
    });
    expect(control.admitSocket('live-critical').kind).toBe('admitted');
  });
});

const rush = (second: number): boolean => second >= 20 && second < 50;
const inRush = (seconds: readonly Second[]): readonly Second[] => seconds.slice(20, 50);

/** A server of one core that can do about 480 user requests a second; see `virtual-server-testing.ts`. */
describe('a server under a rush, by a virtual clock', () => {
  const spike = (second: number) => ({ 'live-critical': 20, user: 150, prefetch: rush(second) ? 1_200 : 100, bulk: 0 }); // biome-ignore format: one row
  const sixfold = (second: number) => {
    const times = rush(second) ? 6 : 1;
    return { 'live-critical': 5, user: 225 * times, prefetch: 20 * times, bulk: 3 * times };
  };

  it.each([1, 2, 3, 4, 5])(
    'keeps users above 99.4 %% while prefetch comes 12 times as fast (seed %d)',
    (seed) => {
      const { seconds } = runVirtualServer(60, spike, withoutRules, seededRandom(seed));
      const during = inRush(seconds);
      const share = (name: 'user' | 'prefetch' | 'live-critical'): number =>
        sumOf(during, 'admitted', name) / sumOf(during, 'offered', name);
      expect(share('user')).toBeGreaterThan(0.994);
      expect(share('live-critical')).toBeGreaterThan(0.994);
      expect(share('prefetch')).toBeLessThan(0.5);
      expect(sumOf(during, 'useful', 'user') / sumOf(during, 'offered', 'user')).toBeGreaterThan(0.99);
    },
  );

  it.each([1, 2, 3, 4, 5])(
    'does as much as ever at six times its load, and recovers within 2 s (seed %d)',
    (seed) => {
      const { seconds } = runVirtualServer(60, sixfold, withoutRules, seededRandom(seed));
      const during = inRush(seconds);
      const usefulOf = (second: Second): number => second.useful.user;
      expect(Math.min(...during.map(usefulOf))).toBeGreaterThan(300);
      expect(sumOf(during, 'useful', 'live-critical') / sumOf(during, 'offered', 'live-critical')).toBeGreaterThan(0.85); // biome-ignore format: one row
      expect(Math.max(...during.map(({ latencyMaxMs }) => latencyMaxMs))).toBeLessThan(100);
      const after = seconds.slice(52);
      expect(sumOf(after, 'admitted', 'user')).toBe(sumOf(after, 'offered', 'user'));
      expect(Math.max(...after.map(({ latencyMaxMs }) => latencyMaxMs))).toBeLessThan(50);
    },
  );

  it('without limits the same rush ends all useful work, and its queue outlasts it', () => {
    const { seconds } = runVirtualServer(60, sixfold, null, seededRandom(1));
    expect(sumOf(seconds.slice(25, 60), 'useful', 'user')).toBe(0);
  });
});

describe('OverloadHistory', () => {
  it('says what lasted, and forgets it when nobody asked for a while', () => {
    const history = new OverloadHistory(overloadHistoryLimitsDefault);
    for (let ms = 0; ms < 1_500; ms += 50) history.add(ms, 0.9);
    expect(history.lasting()).toBe(0);
    for (let ms = 1_500; ms < 3_000; ms += 50) history.add(ms, 0.8);
    expect(history.lasting()).toBe(0.8);
    history.add(10_000, 1);
    expect(history.lasting()).toBe(0);
  });
});
