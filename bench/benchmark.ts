import type { RivalName } from './rivals/rival.ts';

export interface Figure {
  readonly value: number;
  /** Such as `events/s`, `ms`, `MiB`. */
  readonly unit: string;
}

/** Keys are those that documents name, such as `log.eventsPerSecond`. */
export type Figures = Readonly<Record<string, Figure>>;

/** What a benchmark gets to work with. */
export interface BenchContext {
  /** Smaller work, done in under a minute. */
  readonly quick: boolean;
  /** How many events were asked for on the command line; null leaves it to the benchmark. */
  readonly events: number | null;
  /** How many events rivals are given at most, if the command line says so. */
  readonly rivalEvents: number | null;
  /** How long rivals are loaded at most, for those of which the command line says so; `growth` and `reads` ask. */
  readonly rivalSeconds: Readonly<Partial<Record<RivalName, number>>>;
  /** How many members have one title in common, if the command line says so; `scale` and `reads` ask. */
  readonly members: number | null;
  /** Whether a few titles are watched far more often than most, where the benchmark leaves that open. */
  readonly zipf: boolean;
  /** For generators, so that two runs do the same work. */
  readonly seed: number;
  /** Where data is kept for the next run, if the command line says so. */
  readonly keptFolder: string | null;
  /** Empty at the start, removed at the end. */
  readonly tempDir: string;
  log(progress: string): void;
  /** Runs `work` and measures this process and those in `childPids` (asked anew at each sample) meanwhile. */
  measure<T>(work: () => Promise<T>, childPids?: () => readonly number[]): Promise<Measured<T>>;
}

export interface Measured<T> {
  readonly result: T;
  readonly elapsedMs: number;
  /** User and system time of this process, without its children. */
  readonly cpuMs: number;
  /** Largest sum of resident memory over all samples. */
  readonly peakRssMiB: number;
}

/** `bench/NAME.bench.ts` exports one of these as its default. */
export interface Benchmark {
  readonly name: string;
  readonly description: string;
  /** What a reader might take the figures for and should not. */
  readonly notMeasured: readonly string[];
  run(context: BenchContext): Promise<Figures>;
}
