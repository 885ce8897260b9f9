import { type Prefetch, prefetchLengthMax, readPrefetch } from './prefetch.ts';
import { isCount, isKey, isRecord } from './protocol.ts';
import { firstState, type StageState } from './stage-machine.ts';

/** What a device knows of one event when it starts without a network. */
export interface CacheEntry {
  readonly prefetch: Prefetch | null;
  /** When it came, by the device's clock. */
  readonly receivedMs: number;
  /** Up to what was rendered. */
  readonly state: StageState;
}

/** Of what stands in the cache; another one drops what it finds. */
const format = 1;

export function cacheKeyOf(event: string, member: string, device: string): string {
  return `${event} ${member} ${device}`;
}

export function encodeEntry({ prefetch, receivedMs, state }: CacheEntry): string {
  return JSON.stringify({ format, prefetch: prefetch && wireOf(prefetch), receivedMs, state });
}

/** Null when any of it is not as we write it: half an entry is not trusted either. */
export function decodeEntry(text: string): CacheEntry | null {
  if (text.length > prefetchLengthMax + 1024) return null;
  const value = parsed(text);
  if (!isRecord(value) || value.format !== format || !isCount(value.receivedMs)) return null;
  const prefetch = value.prefetch === null ? null : readPrefetch(value.prefetch);
  const state = readState(value.state);
  if (state === null || (prefetch === null && value.prefetch !== null)) return null;
  return { prefetch, receivedMs: value.receivedMs, state };
}

function readState(value: unknown): StageState | null {
  if (!isRecord(value) || !isRecord(value.cursor)) return null;
  const { stage, at, version } = value;
  const { epoch, sequence } = value.cursor;
  if (!isCount(epoch) || !isCount(sequence) || !isCount(version) || !isCount(at)) return null;
  if (stage !== null && !isKey(stage)) return null;
  return { ...firstState, cursor: { epoch, sequence }, version, stage, at };
}

function wireOf({ quiet, ...prefetch }: Prefetch): object {
  return { ...prefetch, quiet: quiet && { from: quiet.fromMs, until: quiet.untilMs } };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The same as an entry of another form.
    return null;
  }
}
