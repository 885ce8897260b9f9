import { perClass, type RequestClass } from '../traffic/request-class.ts';

/** What is counted over time, per second of a bucket or as its mean or peak. */
export const seriesNames = [
  'arrivals',
  'connects',
  'connectsRefused',
  'connected',
  'prefetches',
  'expirations',
  'versionRefreshes',
  'deliveries',
  'gatewayCpuMean',
  'gatewayCpuMax',
  'serverCpu',
] as const;

export type SeriesName = (typeof seriesNames)[number];

export interface Series {
  readonly bucketMs: number;
  readonly values: Readonly<Record<SeriesName, readonly number[]>>;
  /** Refused requests a second. */
  readonly shed: Readonly<Record<RequestClass, readonly number[]>>;
}

const bucketsMax = 600;

/** Fixed memory, whatever the duration. */
export class RehearsalSeries {
  readonly bucketMs: number;
  readonly #values: ReadonlyMap<SeriesName, Float64Array>;
  readonly #shed: Readonly<Record<RequestClass, Float64Array>>;

  constructor(durationMs: number) {
    this.bucketMs = Math.max(1_000, Math.ceil(durationMs / bucketsMax / 1000) * 1000);
    const buckets = Math.ceil(durationMs / this.bucketMs);
    this.#values = new Map(seriesNames.map((name) => [name, new Float64Array(buckets)]));
    this.#shed = perClass(() => new Float64Array(buckets));
  }

  /** So many more, which become a rate. */
  count(name: SeriesName, atMs: number, count: number): void {
    this.#add(this.#values.get(name), atMs, (count * 1000) / this.bucketMs);
  }

  shed(requestClass: RequestClass, atMs: number, count: number): void {
    this.#add(this.#shed[requestClass], atMs, (count * 1000) / this.bucketMs);
  }

  peak(name: SeriesName, atMs: number, value: number): void {
    const list = this.#values.get(name);
    const index = Math.floor(atMs / this.bucketMs);
    if (list !== undefined && index < list.length) list[index] = Math.max(list[index] ?? 0, value);
  }

  /** Of a value that is told each second. */
  mean(name: SeriesName, atMs: number, value: number): void {
    this.#add(this.#values.get(name), atMs, (value * 1000) / this.bucketMs);
  }

  done(): Series {
    const of = (name: SeriesName): readonly number[] => [...(this.#values.get(name) ?? [])];
    return {
      bucketMs: this.bucketMs,
      values: {
        arrivals: of('arrivals'),
        connects: of('connects'),
        connectsRefused: of('connectsRefused'),
        connected: of('connected'),
        prefetches: of('prefetches'),
        expirations: of('expirations'),
        versionRefreshes: of('versionRefreshes'),
        deliveries: of('deliveries'),
        gatewayCpuMean: of('gatewayCpuMean'),
        gatewayCpuMax: of('gatewayCpuMax'),
        serverCpu: of('serverCpu'),
      },
      shed: perClass((name) => [...this.#shed[name]]),
    };
  }

  #add(list: Float64Array | undefined, atMs: number, value: number): void {
    const index = Math.floor(atMs / this.bucketMs);
    if (list !== undefined && index < list.length) list[index] = (list[index] ?? 0) + value;
  }
}
