import type { DegreeStatistics } from './field-cost.ts';

/** Powers of two up to 2^31: what a quantile says is at most twice what was seen. */
const buckets = 32;
/** A sketch that has seen so much forgets half of it: what is new weighs more, and a graph that shrank is believed in time. */
const agedAt = 4096;
/** Below this, one heavy node among few would stand for all. */
const seenLeast = 32;
const quantile = 0.99;
/** Halves of halves add up to a little less than they should. */
const rounding = 1e-9;
/** Edge types are few, but their names come from callers: those that are seen most recently stay. */
const sketchesMax = 1024;

/** What a lower bound has to say to be worth more than the guess that a field takes of what it does not know. */
const guessed = 256;

/**
 * How often counts of about this size were seen lately, in constant memory. Of some only a lower bound was: they count as far as that goes, and are then taken to be
 * like those that are known to be larger (the estimate of Kaplan and Meier).
 */
export class AgingSketch {
  readonly #counts = new Float64Array(buckets);
  readonly #atLeast = new Float64Array(buckets);
  #seen = 0;

  observe(value: number): void {
    this.#add(this.#counts, value);
  }

  observeAtLeast(value: number): void {
    this.#add(this.#atLeast, value);
  }

  /** More became known of one that was observed as a lower bound. */
  forgetAtLeast(value: number): void {
    const bucket = bucketOf(value);
    const known = this.#atLeast[bucket] ?? 0;
    const less = Math.min(1, known);
    this.#atLeast[bucket] = known - less;
    this.#seen -= less;
  }

  /** At least the 99th percentile of what was seen, at most twice it; null while too little was, or nothing but small bounds. */
  p99(): number | null {
    if (this.#seen < seenLeast) return null;
    let left = this.#seen;
    let above = 1;
    let largest = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      const atLeast = this.#atLeast[bucket] ?? 0;
      if (count + atLeast > 0) largest = 2 ** bucket;
      if (left > 0) above *= Math.max(0, 1 - count / left);
      left -= count + atLeast;
      if (above <= 1 - quantile + rounding) return 2 ** bucket;
    }
    return largest > guessed ? largest : null;
  }

  #add(to: Float64Array, value: number): void {
    const bucket = bucketOf(value);
    to[bucket] = (to[bucket] ?? 0) + 1;
    this.#seen += 1;
    if (this.#seen < agedAt) return;
    for (const counts of [this.#counts, this.#atLeast])
      for (const [index, count] of counts.entries()) counts[index] = count / 2;
    this.#seen /= 2;
  }
}

function bucketOf(value: number): number {
  return Math.min(buckets - 1, Math.ceil(Math.log2(Math.max(1, value))));
}

/**
 * Learns the graph's degrees from the reads that are made anyway. Of what a limit ended only a lower bound is known: a small page
 * says little about how many rows a larger one would look at, and nothing against it. Limits cap every bound, so none is ever above them.
 */
export class LearnedDegrees implements DegreeStatistics {
  /** In the order of use: the one unused for longest is dropped first. */
  readonly #hops = new Map<string, AgingSketch>();
  readonly #steps = { some: new AgingSketch(), all: new AgingSketch() };

  rowsOfHop(type: string, direction: 'out' | 'in'): number | null {
    return this.#hops.get(`${direction} ${type}`)?.p99() ?? null;
  }

  rowsPerStep(domains: 'some' | 'all'): number | null {
    return this.#steps[domains].p99();
  }

  /**
   * Of one hop from one node: all the rows it has come to; `ended` when that was all there was. `before` is what it had come to when it was last observed, null at
   * its beginning: a hop that is read on counts once.
   */
  observeHop(
    type: string,
    direction: 'out' | 'in',
    rows: number,
    ended: boolean,
    before: number | null = null,
  ): void {
    const sketch = this.hop(type, direction);
    if (before !== null) sketch.forgetAtLeast(before);
    if (ended) sketch.observe(rows);
    else sketch.observeAtLeast(rows);
  }

  /** For whoever observes many hops alike; to be used at once. */
  hop(type: string, direction: 'out' | 'in'): AgingSketch {
    const name = `${direction} ${type}`;
    const sketch = this.#hops.get(name) ?? new AgingSketch();
    this.#hops.delete(name);
    this.#hops.set(name, sketch);
    if (this.#hops.size > sketchesMax) {
      const [oldest] = this.#hops.keys();
      if (oldest !== undefined) this.#hops.delete(oldest);
    }
    return sketch;
  }

  observeJourney(domains: 'some' | 'all', limit: number, rows: number): void {
    this.#steps[domains].observe(rows / limit);
  }
}
