import { BackfillClient } from '../../cli/backfill-target.ts';
import { systemClock } from '../../foundation/index.ts';
import type { BackfillProgress, PlannedBackfill } from '../../ingest/index.ts';
import type { BackfillAsk } from '../../query-api/index.ts';
import type { Product } from '../ingest/product.ts';

const pollMs = 100;
const never = new AbortController().signal;

export function clientOf(product: Product): BackfillClient {
  return new BackfillClient({ url: product.url, token: null }, never);
}

export function askFor(topic: string, path: string, over: Partial<BackfillAsk> = {}): BackfillAsk {
  return {
    ...{ topic, topicId: null, source: 'iceberg', path, fromMs: null, untilMs: null, partitions: null },
    ...{ repeat: 0, allowGaps: false, rewrite: false, skipExpired: false, shadow: null },
    ...over,
  };
}

/** Polls until it is done, or `enough` says so. */
export async function follow(
  product: Product,
  id: string,
  timeoutMs: number,
  enough: (progress: BackfillProgress) => boolean = () => false,
): Promise<PlannedBackfill> {
  const client = clientOf(product);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const shown = await client.show(id);
    const { state, failure, rowsDone, rowsTotal } = shown.progress;
    product.sampleMemory();
    if (state === 'failed') throw new Error(`the backfill failed: ${failure?.code} ${failure?.message}`);
    if (state === 'done' || enough(shown.progress)) return shown;
    if (performance.now() > deadline)
      throw new Error(`only ${rowsDone} of ${rowsTotal} rows were applied in time`);
    await systemClock.sleep(pollMs);
  }
}
