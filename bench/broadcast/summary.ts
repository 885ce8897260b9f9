/** Of the broadcasts that are counted: each one's time over its recipients, then how that is spread over the broadcasts. Milliseconds from the intended moment. */
export interface Summary {
  readonly t50: Spread;
  readonly t99: Spread;
  readonly t100: Spread;
  readonly deliveriesPerSecond: number;
}

export interface Spread {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** `latencies`: of each broadcast those of all its recipients, ascending. */
export function summarize(latencies: readonly Float64Array[]): Summary {
  const t100 = spreadOf(latencies.map((one) => one.at(-1) ?? Number.NaN));
  return {
    t50: spreadOf(latencies.map((one) => quantile(one, 0.5))),
    t99: spreadOf(latencies.map((one) => quantile(one, 0.99))),
    t100,
    deliveriesPerSecond: ((latencies[0]?.length ?? 0) * 1000) / t100.p50Ms,
  };
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99), maxMs: sorted.at(-1) ?? Number.NaN };
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
