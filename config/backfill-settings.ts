import { MiB, type SettingSpec } from './setting-spec.ts';

/** The part of the table about replays of archived history. */
export const backfillSettings = {
  'backfill.rows.per.second': {
    section: 'archive',
    kind: 'number',
    unit: 'per second',
    default: 1_000_000,
    min: 1,
    max: 100_000_000,
    description: 'Rows of all backfills together, at most; fewer while live events are late.',
  },
  'backfill.inflight.bytes.max': {
    section: 'archive',
    kind: 'number',
    unit: 'bytes',
    default: 8 * MiB,
    min: 64 * 1024,
    max: 1016 * MiB,
    description:
      'Mutations of all backfills that wait for the store at most: behind so much a live event waits. More, with a larger coalescing window, is faster where no live events are.',
  },
  'backfill.freshness.max.ms': {
    section: 'archive',
    kind: 'number',
    unit: 'ms',
    default: 1_000,
    min: 10,
    max: 3_600_000,
    description:
      'From event to durable, the 99th percentile of live events: above it backfills go half as fast each half second, above half of it no faster.',
  },
} as const satisfies Readonly<Record<string, SettingSpec>>;
