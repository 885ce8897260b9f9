import { describe, expect, it } from 'vitest';
import { type Log, seededRandom } from '../../foundation/index.ts';
import { logSamplingLimitsDefault, sampledLog } from './log-sampling.ts';

interface Line {
  readonly level: keyof Log;
  readonly message: string;
  readonly weight: number;
  readonly kind: unknown;
}

function setUp(shareInForce: () => number = () => 1, limits = logSamplingLimitsDefault) {
  const lines: Line[] = [];
  const keep =
    (level: keyof Log): Log['info'] =>
    (fields, message) => {
      const weight = 'weight' in fields ? Number(fields.weight) : 1;
      lines.push({ level, message, weight, kind: 'kind' in fields ? fields.kind : null });
    };
  const inner: Log = { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
  const time = { nowMs: 0 };
  const log = sampledLog(inner, { nowMs: () => time.nowMs, random: seededRandom(3), shareInForce }, limits);
  return { log, lines, time };
}

const weightOf = (lines: readonly Line[]): number => lines.reduce((sum, { weight }) => sum + weight, 0);
/** Five standard deviations of a sum of weights 1/p over lines kept with chance p. */
const boundOf = (lines: readonly Line[]): number =>
  5 * Math.sqrt(lines.reduce((sum, { weight }) => sum + weight * (weight - 1), 0));

describe('sampledLog', () => {
  it('keeps every line as it is while there are few and no rule is on', () => {
    const { log, lines } = setUp();
    for (let i = 0; i < 100; i += 1) log.info({ kind: i }, 'Something was done.');
    expect(lines).toHaveLength(100);
    expect(weightOf(lines)).toBe(100);
  });

  it('keeps fewer the faster they come, and the weights add up to the lines there were, in all and of each kind', () => {
    const { log, lines, time } = setUp();
    const random = seededRandom(5);
    const said = { a: 0, b: 0 };
    for (let second = 0; second < 60; second += 1) {
      const perSecond = second < 20 ? 200 : 20_000;
      for (let i = 0; i < perSecond; i += 1) {
        time.nowMs += 1000 / perSecond;
        const kind = random() < 0.1 ? 'a' : 'b';
        said[kind] += 1;
        log.info({ kind }, 'A device connected.');
      }
    }
    expect(lines.length).toBeLessThan(60_000);
    const total = said.a + said.b;
    expect(Math.abs(weightOf(lines) - total)).toBeLessThan(boundOf(lines));
    expect(boundOf(lines)).toBeLessThan(total * 0.05);
    for (const kind of ['a', 'b'] as const) {
      const ofKind = lines.filter((line) => line.kind === kind);
      expect(Math.abs(weightOf(ofKind) - said[kind])).toBeLessThan(boundOf(ofKind));
    }
  });

  it('keeps the share that the rules in force say', () => {
    let share = 1;
    const { log, lines } = setUp(() => share, { ...logSamplingLimitsDefault, linesPerSecond: 1e9 });
    share = 0.05;
    for (let i = 0; i < 100_000; i += 1) log.debug({}, 'A device connected.');
    expect(Math.abs(lines.length - 5_000)).toBeLessThan(5 * Math.sqrt(5_000));
    expect(Math.abs(weightOf(lines) - 100_000)).toBeLessThan(boundOf(lines));
  });

  it('keeps warnings and errors always', () => {
    const { log, lines } = setUp(() => 0.001);
    for (let i = 0; i < 1_000; i += 1) {
      log.warn({}, 'Slow.');
      log.error({}, 'Broken.');
    }
    expect(lines).toHaveLength(2_000);
    expect(lines.every(({ weight }) => weight === 1)).toBe(true);
  });

  it('shows what is rare in each window, for messages without end too', () => {
    const { log, lines, time } = setUp(() => 0.001);
    for (let i = 0; i < 10_000; i += 1) log.info({}, 'A device connected.');
    log.info({}, 'The event was moved.');
    expect(lines.filter(({ message }) => message === 'The event was moved.')).toMatchObject([{ weight: 1 }]);
    time.nowMs += 1_000;
    log.info({}, 'The event was moved.');
    expect(lines.filter(({ message }) => message === 'The event was moved.')).toHaveLength(2);
    const before = lines.length;
    for (let i = 0; i < 100_000; i += 1) log.info({}, `Message ${i}`);
    expect(lines.length - before).toBeLessThan(logSamplingLimitsDefault.messagesMax + 300);
  });
});
