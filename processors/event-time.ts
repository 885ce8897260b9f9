import type { FieldRead } from '../schemas/index.ts';
import { bad, compilePath, kindOf, type Roots } from './read.ts';
import { timeMsMax } from './value.ts';

/**
 * The event's time in milliseconds since the Unix epoch: a safe integer, 0 or more, at most `futureMsMax` ahead of `nowMs`.
 * Anything else is bad data (`EVENT_TIME_OUT_OF_RANGE`, or `EVENT_TIME_MISSING` where it is null).
 */
export function compileTime(field: FieldRead, futureMsMax: number): (roots: Roots, nowMs: number) => number {
  const read = compilePath(field);
  const { path } = field;
  const unitsPerMs = field.kind === 'timestamp-micros' ? 1_000 : 1;
  return (roots, nowMs) => {
    const value = read(roots);
    if (value === null) throw bad('EVENT_TIME_MISSING', path, 'is null, and an event needs its time');
    if (typeof value !== 'bigint') throw bad('EVENT_TIME_OUT_OF_RANGE', path, `is ${kindOf(value)}`);
    // Rounding can only happen beyond 2^53, which is refused in either unit or, in microseconds, below one millisecond.
    const timeMs = unitsPerMs === 1 ? Number(value) : Math.floor(Number(value) / unitsPerMs);
    if (timeMs < 0) throw bad('EVENT_TIME_OUT_OF_RANGE', path, 'lies before 1970');
    if (timeMs > timeMsMax) throw bad('EVENT_TIME_OUT_OF_RANGE', path, 'is no time that a calendar holds');
    if (timeMs > nowMs + futureMsMax) {
      throw bad('EVENT_TIME_OUT_OF_RANGE', path, `lies more than ${futureMsMax} ms ahead of the clock`);
    }
    return timeMs;
  };
}
