import { atRest } from '../at-rest.ts';
import { benchTopic } from '../ingest/playback-events.ts';
import { Product } from '../ingest/product.ts';
import type { ApiData } from './api-data.ts';
import type { ApiTarget } from './api-target.ts';
import type { Questions } from './questions.ts';

const readyTimeoutMs = 60_000;
const pollMs = 100;

/** `jg up` on the filled data folder, as its users run it. */
export async function startProductTarget(
  { product: folder }: ApiData,
  questions: Questions,
  flags: readonly string[] = [],
): Promise<ApiTarget> {
  const product = await Product.start(['--data', folder, '--topics', benchTopic, ...flags]);
  const { hostname, port } = new URL(product.url);
  const deadline = performance.now() + readyTimeoutMs;
  while ((await fetch(`${product.url}/readyz`)).status !== 200) {
    if (performance.now() > deadline) {
      await product.stop();
      throw new Error('the product was not ready in time');
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return {
    name: 'journey-graph',
    host: hostname,
    port: Number(port),
    questions,
    threadSeconds: () => product.threadSeconds(),
    rested: async () => {
      await atRest(() => Object.values(product.threadSeconds() ?? {}).reduce((sum, some) => sum + some, 0));
    },
    close: () => product.stop(),
  };
}
