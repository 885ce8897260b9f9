import type { DegreeStatistics } from './field-cost.ts';

/** Powers of two up to 2^31: what a quantile says is at most twice what was seen. */
const buckets = 32;
/** A sketch that has seen so much forgets half of it: what is new weighs more, and a graph that shrank is believed in time. */
const agedAt = 4096;
/** Below this, one heavy node among few would stand for all. */
const seenLeast = 32;
const quantile = 0.99;
/** Edge types are few, but their names come from callers: those that are seen most recently stay. */
const sketchesMax = 1024;

/** How often counts of about this size were seen lately, in constant memory. */
export class AgingSketch {
  readonly #counts = new Float64Array(buckets);
  #seen = 0;

  observe(value: number): void {
    const bucket = Math.min(buckets - 1, Math.ceil(Math.log2(Math.max(1, value))));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#seen += 1;
    if (this.#seen < agedAt) return;
    for (const [index, count] of this.#counts.entries()) this.#counts[index] = count / 2;
    this.#seen /= 2;
  }

  /** At least the 99th percentile of what was seen, at most twice it; null while too little was. */
  p99(): number | null {
    if (this.#seen < seenLeast) return null;
    let below = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      below += count;
      if (below >= this.#seen * quantile) return 2 ** bucket;
    }
    return 2 ** (buckets - 1);
  }
}

/**
 * Learns the graph's degrees from the reads that are made anyway. What a limit ended counts as endless: a hop with a small limit says nothing
 * about how many rows one with a larger limit would look at. Limits cap every bound, so none is ever above them.
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

  /** Of one hop from one node; `ended` when all there was has been looked at. */
  observeHop(type: string, direction: 'out' | 'in', rows: number, ended: boolean): void {
    const name = `${direction} ${type}`;
    const sketch = this.#hops.get(name) ?? new AgingSketch();
    this.#hops.delete(name);
    this.#hops.set(name, sketch);
    sketch.observe(ended ? rows : Number.POSITIVE_INFINITY);
    if (this.#hops.size <= sketchesMax) return;
    const [oldest] = this.#hops.keys();
    if (oldest !== undefined) this.#hops.delete(oldest);
  }

  observeJourney(domains: 'some' | 'all', limit: number, rows: number): void {
    this.#steps[domains].observe(rows / limit);
  }
}
