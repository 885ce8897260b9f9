import { must } from '../../foundation/index.ts';

interface Point {
  readonly events: number;
  readonly seconds: number;
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
