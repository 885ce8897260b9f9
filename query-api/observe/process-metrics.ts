import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';

const loopResolutionMs = 20;
/** Scrapes that come closer together share a window: several servers may ask. */
const loopWindowMs = 10_000;
const loopQuantiles = [0.5, 0.99, 1] as const;

/** What every process tells of itself. */
export class ProcessMetrics {
  readonly #registry: Registry;
  readonly #loop: ReturnType<typeof monitorEventLoopDelay>;

  constructor(registry: Registry, now: () => number) {
    this.#registry = registry;
    this.#loop = monitorEventLoopDelay({ resolution: loopResolutionMs });
    this.#loop.enable();
    this.#watchLoop(now);
    this.#watchProcess();
  }

  close(): void {
    this.#loop.disable();
  }

  #watchLoop(now: () => number): void {
    let sinceMs = now();
    let shown = loopQuantiles.map((): number => 0);
    const read = (): number[] => loopQuantiles.map((share) => this.#quantile(share));
    new Gauge({
      name: 'journey_graph_event_loop_delay_seconds',
      help: 'How late the event loop was, over the last ten seconds or since the scrape before.',
      labelNames: ['quantile'],
      registers: [this.#registry],
      collect() {
        if (now() - sinceMs >= loopWindowMs) {
          shown = read();
          sinceMs = now();
        }
        for (const [index, share] of loopQuantiles.entries())
          this.set({ quantile: String(share) }, shown[index] ?? 0);
      },
    });
  }

  /** Seconds; starts the next window with the last of them. */
  #quantile(share: number): number {
    const late = share === 1 ? this.#loop.max : this.#loop.percentile(share * 100);
    if (share === 1) this.#loop.reset();
    // A timer of the monitor's resolution is never sooner: only what is beyond it was late.
    return Math.max(0, late / 1e9 - loopResolutionMs / 1000);
  }

  #watchProcess(): void {
    new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory size in bytes.',
      registers: [this.#registry],
      collect() {
        this.set(process.memoryUsage.rss());
      },
    });
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'Total user and system CPU time spent in seconds.',
      registers: [this.#registry],
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
  }
}
