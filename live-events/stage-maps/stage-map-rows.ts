import type { DeviceKind } from './show.ts';

/**
 * The rows of the stage maps' own database:
 *
 *     mformat                 version of this layout
 *     r<event>                a materialization of this event has begun and not ended
 *     v<event>\0<version>     a version: what it is, as JSON. The two newest of each event
 *     b<event>\0<bitmap>      the members of one segment: a roaring bitmap of positions in the audience, in the portable format; by the number that versions name
 *                             it by, since of most segments a minor version has those of the one before
 *     p<hash>                 a stage map's text, compressed by Brotli: named by what it says, so that whoever is shown the same shares it
 *     c<event>                who has fetched (`prefetch/`)
 *
 * A version, its bitmaps and payloads are put in one batch: there is all of it or nothing.
 */
export const mapsFormat = '1';
export const formatKey = Buffer.from('mformat');
export const versionRange = { gte: Buffer.from('v'), lt: Buffer.from('w') } as const;
export const begunRange = { gte: Buffer.from('r'), lt: Buffer.from('s') } as const;

export const coverageRange = { gte: Buffer.from('c'), lt: Buffer.from('d') } as const;

export const begunKey = (event: string): Buffer => Buffer.from(`r${event}`);
export const bitmapKey = (event: string, bitmap: number): Buffer => Buffer.from(`b${event}\0${bitmap}`);
export const payloadKey = (hash: string): Buffer => Buffer.from(`p${hash}`);
export const coverageKey = (event: string): Buffer => Buffer.from(`c${event}`);
/** Of a row that has nothing but the event's id in its key. */
export const eventOf = (key: Buffer): string => key.toString('utf8', 1);
export const versionKey = ({ event, major, minor }: Pick<MapsVersion, 'event' | 'major' | 'minor'>): Buffer =>
  Buffer.from(`v${event}\0${digits(major)}.${digits(minor)}`);

const digits = (count: number): string => count.toString().padStart(10, '0');

/** Hash of a stage map's text, by kind of device. */
export type SegmentPayloads = Readonly<Record<DeviceKind, string>>;

export interface SegmentRow {
  readonly key: string;
  readonly reason: string;
  readonly members: number;
  readonly bitmap: number;
  readonly bitmapBytes: number;
  readonly payloads: SegmentPayloads;
}

export interface PayloadRow {
  readonly hash: string;
  readonly rawBytes: number;
  readonly compressedBytes: number;
}

/** Everything of a version but the members themselves and the texts. */
export interface MapsVersion {
  readonly event: string;
  /** Counts the times that every member was looked at. */
  readonly major: number;
  /** Counts what changed since: members that moved between segments. */
  readonly minor: number;
  readonly audience: string;
  readonly memberType: string;
  /** Of the audience. */
  readonly members: number;
  /** Of the plan's text, and of the stages' keys that it was read for. */
  readonly planHash: string;
  readonly outsiders: 'default' | 'refuse';
  /** What times in conditions count from. */
  readonly plannedAtMs: number;
  readonly madeAtMs: number;
  readonly tookMs: number;
  readonly segments: readonly SegmentRow[];
  readonly payloads: readonly PayloadRow[];
}

export const versionText = ({ major, minor }: Pick<MapsVersion, 'major' | 'minor'>): string =>
  `${major}.${minor}`;
