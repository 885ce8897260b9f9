import type { PrefetchLife, QuietWindow } from './prefetch-ttl.ts';
import { isCount, isKey, isRecord } from './protocol.ts';
import type { Schedule, ScheduledStage, StageKind } from './stage-order.ts';

export type DeviceKind = 'tv' | 'phone' | 'tablet' | 'web';

/** What is shown at a stage, as the plan of the event has it; a device hands it on. */
export type Show = Readonly<Record<string, unknown>>;

/** What a device fetches before an event: PROTOCOL.md, section 3. */
export interface Prefetch extends PrefetchLife {
  /** Of the schedule. */
  readonly version: number;
  readonly etag: string | null;
  readonly stages: Schedule;
  /** By the stage's key. */
  readonly stageMap: Readonly<Record<string, Show>>;
}

/** Characters of a prefetch as JSON. */
export const prefetchLengthMax = 262_144;
const stagesMax = 64;
const kinds: ReadonlySet<unknown> = new Set<StageKind>([
  'announced',
  'lobby',
  'live',
  'custom',
  'ended',
  'replay',
  'cancelled',
]);

/** Null when it is none: then nothing of it is used. */
export function readPrefetch(value: unknown): Prefetch | null {
  if (!isRecord(value)) return null;
  const { version, etag, ttlMs, expiresAt, spreadMs } = value;
  if (!isCount(version) || !isCount(ttlMs) || !isCount(expiresAt) || !isCount(spreadMs)) return null;
  const stages = readStages(value.stages);
  const stageMap = readStageMap(value.stageMap);
  const quiet = readQuiet(value.quiet);
  if (stages === null || stageMap === null || quiet === undefined) return null;
  return {
    version,
    etag: typeof etag === 'string' ? etag : null,
    ttlMs,
    expiresAt,
    stages,
    stageMap,
    quiet,
    spreadMs,
  };
}

function readStages(value: unknown): Schedule | null {
  if (!Array.isArray(value) || value.length > stagesMax) return null;
  const stages = value.map(readStage);
  return stages.every((stage) => stage !== null) ? stages : null;
}

function readStage(value: unknown): ScheduledStage | null {
  if (!isRecord(value)) return null;
  const { key, kind, startsAtMs } = value;
  if (!isKey(key) || !isStageKind(kind) || !(startsAtMs === null || isCount(startsAtMs))) return null;
  return { key, kind, startsAtMs };
}

function readStageMap(value: unknown): Readonly<Record<string, Show>> | null {
  if (!isRecord(value)) return null;
  const entries = Object.entries(value);
  if (entries.length > stagesMax) return null;
  // No prototype: a stage may be called as something that every object has.
  const map: Record<string, Show> = Object.create(null);
  for (const [key, show] of entries) {
    if (!isKey(key) || !isRecord(show)) return null;
    map[key] = show;
  }
  return map;
}

/** Undefined when it is neither a window nor null. On the wire `{from, until}`. */
function readQuiet(value: unknown): QuietWindow | null | undefined {
  if (value === null) return null;
  if (!isRecord(value) || !isCount(value.from) || !isCount(value.until)) return undefined;
  return { fromMs: value.from, untilMs: value.until };
}

function isStageKind(value: unknown): value is StageKind {
  return kinds.has(value);
}
