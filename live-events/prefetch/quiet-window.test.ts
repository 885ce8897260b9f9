import { describe, expect, it } from 'vitest';
import { testEvent, testStartMs } from '../live-event-testing.ts';
import { quietLimitsDefault, quietWindow } from './quiet-window.ts';

const { leadMs, tailMs, lengthMs, overrunMs } = quietLimitsDefault;
const endMs = testStartMs + 7_200_000;
const event = testEvent();

describe('the quiet window', () => {
  it('reaches from before the first live stage until after the end', () => {
    expect(quietWindow(event, testStartMs - 9e6, quietLimitsDefault)).toEqual({
      fromMs: testStartMs - leadMs,
      untilMs: endMs + tailMs,
    });
  });

  it('takes a usual length where nobody has said when it ends', () => {
    const stages = event.stages.map((stage) =>
      stage.kind === 'ended' ? { ...stage, startsAtMs: null } : stage,
    );
    expect(quietWindow({ ...event, stages }, 0, quietLimitsDefault)?.untilMs).toBe(
      testStartMs + lengthMs + tailMs,
    );
  });

  it('goes on with an event that overruns', () => {
    const live = testEvent({ stage: 'live', stageKind: 'live', at: testStartMs });
    const nowMs = endMs + 60_000;
    expect(quietWindow(live, nowMs, quietLimitsDefault)?.untilMs).toBe(nowMs + overrunMs + tailMs);
  });

  it('is over a while after the event has ended, early or called off', () => {
    for (const stageKind of ['ended', 'cancelled'] as const) {
      const over = testEvent({ stage: stageKind, stageKind, at: testStartMs + 5 });
      expect(quietWindow(over, testStartMs + 6, quietLimitsDefault)?.untilMs).toBe(testStartMs + 5 + tailMs);
      expect(quietWindow(over, testStartMs + 5 + tailMs, quietLimitsDefault)).toBeNull();
    }
  });

  it('is unknown while a start by hand is, and follows it once it was entered', () => {
    const stages = event.stages.map((stage) => ({ ...stage, startsAtMs: null }));
    expect(quietWindow({ ...event, stages }, testStartMs, quietLimitsDefault)).toBeNull();
    const live = testEvent({ stages, stage: 'live', stageKind: 'live', at: testStartMs });
    expect(quietWindow(live, testStartMs, quietLimitsDefault)?.fromMs).toBe(testStartMs - leadMs);
  });
});
