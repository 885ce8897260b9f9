import type { MapsProgress } from './segment-members.ts';
import { type MapsVersion, versionText } from './stage-map-rows.ts';

/**
 * `NONE`: nobody asked for it yet. `WAITING`, `BUILDING`: all members are looked at; what was there before serves meanwhile. `READY`: members follow their journeys.
 * `FROZEN`: nobody moves any more. `FAILED`: `failure` says why; what was there before serves.
 */
export type MapsState = 'NONE' | 'WAITING' | 'BUILDING' | 'READY' | 'FROZEN' | 'FAILED';

export interface MapsReport {
  readonly state: MapsState;
  /** Of what serves; null while nothing does. */
  readonly version: string | null;
  readonly madeAtMs: number | null;
  readonly tookMs: number | null;
  readonly audience: string | null;
  /** Of the audience. */
  readonly members: number;
  readonly outsiders: 'default' | 'refuse' | null;
  readonly segments: readonly { readonly key: string; readonly reason: string; readonly members: number }[];
  /** Distinct stage maps, for all members and kinds of devices. */
  readonly payloads: number;
  readonly bytes: {
    readonly payloads: number;
    readonly payloadsCompressed: number;
    readonly segments: number;
    /** Compressed payloads and segments, for each member of the audience. */
    readonly perMember: number;
  };
  readonly progress: Readonly<MapsProgress> | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly following: Readonly<FollowingCounts> & { readonly waiting: number };
}

/** Since this process began. */
export interface FollowingCounts {
  /** Members that were looked at again, since something was applied of them. */
  evaluated: number;
  moved: number;
  /** Times that all of them were, instead. */
  wholePasses: number;
}

type FromVersion = Pick<
  MapsReport,
  'version' | 'madeAtMs' | 'tookMs' | 'audience' | 'members' | 'outsiders' | 'segments' | 'payloads' | 'bytes'
>;

/** What a version says of itself. */
export function reportOf(version: MapsVersion | null): FromVersion {
  if (version === null) {
    const bytes = { payloads: 0, payloadsCompressed: 0, segments: 0, perMember: 0 };
    const none = { version: null, madeAtMs: null, tookMs: null, audience: null, outsiders: null };
    return { ...none, members: 0, segments: [], payloads: 0, bytes };
  }
  const { madeAtMs, tookMs, audience, members, outsiders, segments, payloads } = version;
  const compressed = sumOf(payloads, ({ compressedBytes }) => compressedBytes);
  const bitmaps = sumOf(segments, ({ bitmapBytes }) => bitmapBytes);
  return {
    version: versionText(version),
    madeAtMs,
    tookMs,
    audience,
    members,
    outsiders,
    segments: segments.map(({ key, reason, members: count }) => ({ key, reason, members: count })),
    payloads: payloads.length,
    bytes: {
      payloads: sumOf(payloads, ({ rawBytes }) => rawBytes),
      payloadsCompressed: compressed,
      segments: bitmaps,
      perMember: (compressed + bitmaps) / Math.max(1, members),
    },
  };
}

function sumOf<T>(list: readonly T[], of: (one: T) => number): number {
  return list.reduce((sum, one) => sum + of(one), 0);
}
