import { Registry } from 'prom-client';
import type { ExtensionMetric } from '../api-extension.ts';
import { registerExtensionMetrics } from './extension-metrics.ts';
import { type PipelineMetricsParts, registerPipelineMetrics } from './pipeline-metrics.ts';
import { ProcessMetrics } from './process-metrics.ts';

export interface ProcessServerMetricsParts extends PipelineMetricsParts {
  /** Beside those of pipelines and of the process. */
  readonly metrics: readonly ExtensionMetric[];
}

/** The metrics of a process that answers no queries. */
export class ProcessServerMetrics {
  readonly #registry = new Registry();
  readonly #process: ProcessMetrics;

  constructor(parts: ProcessServerMetricsParts, now: () => number) {
    this.#process = new ProcessMetrics(this.#registry, now);
    registerPipelineMetrics(this.#registry, parts);
    registerExtensionMetrics(this.#registry, parts.metrics);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  close(): void {
    this.#process.close();
    this.#registry.clear();
  }
}
