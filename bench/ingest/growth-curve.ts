import { must } from '../../foundation/index.ts';

interface Point {
  readonly events: number;
  readonly seconds: number;
}

interface RatesAround {
  readonly ours: number;
  readonly theirs: number;
}

/** When how many events were done, by looking now and then; between two looks progress is taken for even. */
export class GrowthCurve {
  readonly #points: Point[] = [{ events: 0, seconds: 0 }];

  /** In the order of time. A look that saw nothing new moves no point: the standstill counts for what comes after it. */
  add(events: number, seconds: number): void {
    if (events > this.events) this.#points.push({ events, seconds });
  }

  get events(): number {
    return this.#last().events;
  }

  /** Events a second between these counts. */
  rate(from: number, to: number): number {
    return (to - from) / (this.#secondsAt(to) - this.#secondsAt(from));
  }

  /** Of all windows of so many events that begin where one ended. */
  slowest(window: number): number {
    let slowest = Number.POSITIVE_INFINITY;
    for (let to = window; to <= this.events; to += window)
      slowest = Math.min(slowest, this.rate(to - window, to));
    return slowest;
  }

  #secondsAt(events: number): number {
    const index = this.#points.findIndex((point) => point.events >= events);
    const after = index < 0 ? this.#last() : must(this.#points[index], 'found');
    if (after.events <= events || index <= 0) return after.seconds;
    const before = must(this.#points[index - 1], 'the first point is at 0 events');
    const done = (events - before.events) / (after.events - before.events);
    return before.seconds + done * (after.seconds - before.seconds);
  }

  #last(): Point {
    return must(this.#points.at(-1), 'there is a point from the start');
  }
}

/**
 * The rates of both between the same two sizes: a share of the mark before it and as much behind it, or as far as both came. Null where one of them did not come to the mark,
 * or where the window begins among the first events, in which theirs was warmed up.
 */
export function ratesAround(
  mark: number,
  window: number,
  ours: GrowthCurve,
  { curve, warmUpEvents }: { readonly curve: GrowthCurve; readonly warmUpEvents: number },
): RatesAround | null {
  const from = mark * (1 - window);
  const to = Math.min(mark * (1 + window), ours.events, curve.events);
  if (to < mark || from < warmUpEvents) return null;
  return { ours: ours.rate(from, to), theirs: curve.rate(from, to) };
}
