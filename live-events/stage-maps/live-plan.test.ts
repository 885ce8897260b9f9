import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JourneyGraphError, must } from '../../foundation/index.ts';
import { testEvent } from '../live-event-testing.ts';
import { type LivePlan, planLimitsDefault, readLivePlan } from './live-plan.ts';
import { testContext, testPlan, testSegment, testShow, watchedWhere } from './plan-testing.ts';

const event = testEvent();
const read = (text: string): LivePlan => readLivePlan(text, event, testContext);
const rest = testSegment({ key: 'rest' });

describe('a plan', () => {
  it('is an ordered list of segments, each with what it shows on each kind of device', () => {
    const fans = testSegment({
      key: 'fans',
      where: watchedWhere('t1'),
      show: { lobby: testShow({ badge: 'SOON' }), live: testShow({ player: 'enter' }) },
      devices: { phone: { live: { title: 'Small', artwork: 'portrait' } } },
    });
    const plan = read(testPlan([fans, rest], { outsiders: 'refuse', freezeAt: '2026-11-22T00:00:00Z' }));
    expect(plan).toMatchObject({ outsiders: 'refuse', freezeAtMs: Date.UTC(2026, 10, 22) });
    expect(plan.segments.map(({ key, reason }) => [key, reason])).toEqual([
      ['fans', 'because of fans'],
      ['rest', 'because of rest'],
    ]);
    const { where, maps } = must(plan.segments[0], 'there are two');
    expect(where).toMatchObject({ kind: 'did', edge: 'WATCHED', sinceMs: 0, atLeast: 1 });
    expect([...maps.tv.keys()]).toEqual(['lobby', 'live']);
    expect(maps.tv.get('live')).toEqual(testShow({ player: 'enter' }));
    expect(maps.phone.get('live')).toEqual(
      testShow({ player: 'enter', title: 'Small', artwork: 'portrait' }),
    );
  });

  it('is what its page shows', () => {
    const page = readFileSync(new URL('../PLAN.md', import.meta.url), 'utf8');
    const text = must(/```json\n([^`]*)```/.exec(page)?.[1], 'the page has an example');
    const { segments } = read(text);
    expect(segments.map(({ key }) => key)).toEqual(['fans', 'everybody-else']);
    expect(segments[0]?.maps.phone.get('live')).toMatchObject({ artwork: 'fight-portrait', player: 'enter' });
  });

  it('takes a stage that is called __proto__ for a stage', () => {
    const stages = [{ key: '__proto__', kind: 'live' as const, startsAtMs: null }];
    const show = JSON.stringify(testShow());
    const text = `{"segments":[{"key":"rest","reason":"r","show":{"__proto__":${show}}}]}`;
    const plan = readLivePlan(text, { stages }, testContext);
    expect(plan.segments[0]?.maps.web.get('__proto__')).toEqual(testShow());
    expect(() => read(text)).toThrow(/__proto__: is no stage of the event/);
  });

  const live = (changes: object): object =>
    testSegment({ key: 'rest', show: { live: { ...testShow(), ...changes } } });
  it.each([
    ['no JSON', '{', /the plan: is no JSON/],
    ['a list', '[]', /the plan: must be an object/],
    ['no segments', '{}', /segments: must be a list of 1 to 64/],
    [
      'too many of them',
      testPlan(Array.from({ length: 65 }, () => rest)),
      /segments: must be a list of 1 to 64/,
    ],
    [
      'a field of another name',
      testPlan([rest], { outsider: 'refuse' }),
      /no field "outsider"\. Did you mean|no field "outsider"/,
    ],
    ['other outsiders', testPlan([rest], { outsiders: 'no' }), /outsiders: must be "default" or "refuse"/],
    ['a time that is none', testPlan([rest], { freezeAt: 'soon' }), /freezeAt: must be a time/],
    [
      'no default',
      testPlan([testSegment({ key: 'a', where: watchedWhere('t') })]),
      /segments\[0\]\.where: must be left out/,
    ],
    [
      'a default that is not last',
      testPlan([testSegment({ key: 'a' }), rest]),
      /segments\[0\]\.where: is left out/,
    ],
    [
      'the same key twice',
      testPlan([testSegment({ key: 'rest', where: watchedWhere('t') }), rest]),
      /second "rest"/,
    ],
    ['a key that is none', testPlan([testSegment({ key: 'a b' })]), /segments\[0\]\.key: must be/],
    [
      'a stage that the event has not',
      testPlan([testSegment({ key: 'a', show: { lounge: testShow() } })]),
      /segments\[0\]\.show\.lounge: is no stage/,
    ],
    [
      'a device that there is not',
      testPlan([testSegment({ key: 'a', devices: { fridge: {} } })]),
      /devices\.fridge: is no kind of device/,
    ],
    [
      'a device that shows what nobody else does',
      testPlan([testSegment({ key: 'a', devices: { tv: { lobby: {} } } })]),
      /devices\.tv: changes the stage lobby/,
    ],
    ['another player', testPlan([live({ player: 'go' })]), /show\.live\.player: must be "stay" or "enter"/],
    ['no title', testPlan([live({ title: ' ' })]), /show\.live\.title: must be a text/],
    [
      'a link that runs a script',
      testPlan([live({ deepLink: ' javascript:alert(1)' })]),
      /deepLink: must be an address/,
    ],
    [
      'artwork that is a script',
      testPlan([live({ artwork: 'data:text/html,x' })]),
      /artwork: must be the name/,
    ],
    [
      'a condition of another shape',
      testPlan([testSegment({ key: 'a', where: { did: { edge: 7 } } }), rest]),
      /segments\[0\]\.where: At segments\[0\]\.where\.did/,
    ],
    [
      'a condition that is empty',
      testPlan([testSegment({ key: 'a', where: {} }), rest]),
      /segments\[0\]\.where: Argument "segments\[0\]\.where" takes one of/,
    ],
    ['one that nests without end', `{"segments":${'['.repeat(50_000)}`, /nests more than 48 deep/],
    [
      'too much text',
      testPlan([rest], { outsiders: 'x'.repeat(planLimitsDefault.bytesMax) }),
      /more than 262144 bytes/,
    ],
  ])('is refused with %s, and says where', (_name, text, message) => {
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).toThrow(JourneyGraphError);
  });

  it('is refused when a stage map is larger than a device should fetch', () => {
    const show = live({ title: 'x'.repeat(250) });
    const small = { ...planLimitsDefault, payloadBytesMax: 300 };
    expect(() => readLivePlan(testPlan([show]), event, testContext, small)).toThrow(
      /segments\[0\]: is 3\d\d bytes for a tv/,
    );
  });

  it('is either read or refused by name, whatever JSON it is', () => {
    const names = fc.constantFrom(
      'segments',
      'key',
      'show',
      'where',
      'live',
      'all',
      'did',
      'outsiders',
      '__proto__',
    );
    const json = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.jsonValue(),
        fc.dictionary(names, tie('value')),
        fc.array(tie('value'), { maxLength: 3 }),
      ),
    })).value;
    let refused = 0;
    fc.assert(
      fc.property(json, (value) => {
        try {
          read(JSON.stringify({ segments: [value] }));
        } catch (error) {
          expect(error).toMatchObject({ code: 'LIVE_PLAN_INVALID' });
          refused += 1;
        }
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(400);
  });
});
