import type { SourcePartition, SourceStatus } from '../graph-store/index.ts';
import type { SourceEnd } from './event-source.ts';

/** How far a partition has been applied, whichever process applies it. */
export interface PartitionLag {
  readonly source: SourcePartition;
  /** Records between the store's position and the log's end, holes included. */
  readonly records: bigint;
  /** For at most so long has the oldest of them waited, milliseconds; 0 while none waits. */
  readonly waitedMs: number;
}

interface Known {
  readonly firstSeenMs: number;
  /** When nothing waited last; null when that was never seen. */
  caughtUpMs: number | null;
}

/**
 * Lag from two figures that every process can ask for: the store's positions and the log's ends. So a partition that nobody reads
 * counts as well, and all processes tell the same.
 *
 * In seconds: since nothing waited last, or since the newest event that was applied happened, whichever is less. The first alone says
 * nothing of a process that has just started, the second too much of a topic that was quiet for a day.
 */
export class LagMeter {
  #known: ReadonlyMap<string, Known> = new Map();

  /** Of the partitions that `ends` has; `nowMs` is when both were asked for. */
  observe(
    ends: readonly SourceEnd[],
    sources: readonly SourceStatus[],
    nowMs: number,
  ): readonly PartitionLag[] {
    const stored = new Map(sources.map((status) => [keyOf(status.source), status]));
    const known = new Map<string, Known>();
    const lags = ends.map(({ source, low, end }): PartitionLag => {
      const key = keyOf(source);
      const before = this.#known.get(key) ?? { firstSeenMs: nowMs, caughtUpMs: null };
      known.set(key, before);
      const status = stored.get(key);
      // What the log no longer has waits for nobody.
      const position = status === undefined || status.next < low ? low : status.next;
      const records = end > position ? end - position : 0n;
      if (records === 0n) before.caughtUpMs = nowMs;
      const waitedMs = records === 0n ? 0 : nowMs - sinceMs(before, status?.newestEventMs ?? 0);
      return { source, records, waitedMs: Math.max(0, waitedMs) };
    });
    this.#known = known;
    return lags;
  }
}

function sinceMs({ firstSeenMs, caughtUpMs }: Known, newestEventMs: number): number {
  const later = Math.max(caughtUpMs ?? 0, newestEventMs);
  return later === 0 ? firstSeenMs : later;
}

function keyOf({ cluster, topicId, partition }: SourcePartition): string {
  return `${cluster}/${topicId}/${partition}`;
}
