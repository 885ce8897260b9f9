export interface RateTrial {
  /** Whether so many a second are answered as they should be. */
  readonly passes: boolean;
}

export interface RateSearch<T extends RateTrial> {
  /** The highest rate that passed, with what was seen there; null when none did. */
  readonly best: { readonly rate: number; readonly trial: T } | null;
  readonly trials: number;
}

export interface RateSearchOptions {
  readonly startRate: number;
  /** It ends when what passed and what failed are no further apart than this share of what passed. */
  readonly within: number;
  readonly trialsMax: number;
}

const lowestRate = 1;

/**
 * Doubles from the start until a rate fails, halves until one passes, then halves the gap. A trial is noisy: what failed once is taken to
 * fail, so that the answer is one that was seen to pass and never the luckiest of many.
 */
export async function searchRate<T extends RateTrial>(
  { startRate, within, trialsMax }: RateSearchOptions,
  attempt: (rate: number) => Promise<T>,
): Promise<RateSearch<T>> {
  let best: RateSearch<T>['best'] = null;
  let failed = Number.POSITIVE_INFINITY;
  let trials = 0;
  let rate = startRate;
  while (trials < trialsMax && rate >= lowestRate) {
    const trial = await attempt(rate);
    trials += 1;
    if (trial.passes) best = { rate, trial };
    else failed = rate;
    if (best === null) rate = Math.floor(failed / 2);
    else if (failed === Number.POSITIVE_INFINITY) rate = best.rate * 2;
    else if (failed - best.rate <= best.rate * within) break;
    else rate = Math.round((best.rate + failed) / 2);
    if (best !== null && (rate === best.rate || rate === failed)) break;
  }
  return { best, trials };
}
