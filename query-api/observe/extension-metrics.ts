import { Counter, Gauge, type Registry } from 'prom-client';
import type { ExtensionMetric } from '../api-extension.ts';

/** Series of one metric; the rest is left out. */
const seriesMax = 500;

/** Figures of other rooms, read when they are asked for. */
export function registerExtensionMetrics(registry: Registry, metrics: readonly ExtensionMetric[]): void {
  const registers = [registry];
  for (const { kind, name, help, labelNames, read } of metrics) {
    const about = { name, help, labelNames: [...labelNames], registers };
    if (kind === 'counter')
      new Counter({
        ...about,
        collect() {
          this.reset();
          for (const { labels, value } of read().slice(0, seriesMax)) this.inc(labels, value);
        },
      });
    else
      new Gauge({
        ...about,
        collect() {
          this.reset();
          for (const { labels, value } of read().slice(0, seriesMax)) this.set(labels, value);
        },
      });
  }
}
