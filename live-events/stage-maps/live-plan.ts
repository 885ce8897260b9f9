import { isKey } from '../../device/index.ts';
import { type Condition, type ConditionContext, readConditionJson } from '../../query-api/index.ts';
import type { LiveEvent } from '../live-event.ts';
import { PlanText } from './plan-text.ts';
import {
  type DeviceKind,
  deviceKinds,
  encodeStageMap,
  isDeviceKind,
  type Show,
  type StageMap,
} from './show.ts';

/** What the members of an event's audience are shown, and to whom of them. */
export interface LivePlan {
  /** Whoever is no member of the audience gets what the default segment shows, or nothing. */
  readonly outsiders: 'default' | 'refuse';
  /** From then on nobody changes segments, epoch milliseconds; null: from when the event is live. */
  readonly freezeAtMs: number | null;
  /** In their order: a member is in the first whose condition holds. The last has none. */
  readonly segments: readonly Segment[];
}

export interface Segment {
  readonly key: string;
  /** For people: why somebody is in it. */
  readonly reason: string;
  /** Null of the default. */
  readonly where: Condition | null;
  readonly maps: Readonly<Record<DeviceKind, StageMap>>;
}

export interface PlanLimits {
  /** Of the text. */
  readonly bytesMax: number;
  readonly segmentsMax: number;
  /** Of one stage map. */
  readonly payloadBytesMax: number;
}

export const planLimitsDefault: PlanLimits = {
  bytesMax: 262_144,
  segmentsMax: 64,
  payloadBytesMax: 16_384,
};

/** Conditions may nest 8 deep, each in a list and an object; their predicates and what is around them are the rest. */
const depthMax = 48;
const reasonLengthMax = 200;
const textLengthMax = 300;
const nameLengthMax = 64;
const linkLengthMax = 1024;
/** What could run a script in a page that follows it. */
const unsafeLink = /^\s*(javascript|data|vbscript|blob):/i;
const link = /^(\/|[a-z][a-z0-9+.-]*:)\S*$/i;

type Stages = Pick<LiveEvent, 'stages'>;

/**
 * The plan of an event, from its text. Times that conditions are relative to count from `context.nowMs`. Throws RefusedError LIVE_PLAN_INVALID, which names the
 * place.
 */
export function readLivePlan(
  text: string,
  { stages }: Stages,
  context: ConditionContext,
  limits: PlanLimits = planLimitsDefault,
): LivePlan {
  const plan = PlanText.parse(text, limits.bytesMax, depthMax);
  const { outsiders, freezeAt, segments } = plan.fields(['outsiders', 'freezeAt', 'segments']);
  const reading: Reading = { stageKeys: stages.map(({ key }) => key), context, limits };
  const given = segments.items(limits.segmentsMax);
  const read = given.map((one, i) => readSegment(one, reading, i === given.length - 1));
  const keys = new Set<string>();
  for (const [i, { key }] of read.entries()) {
    if (keys.has(key)) throw segments.refused(`has a second ${JSON.stringify(key)} at ${i}`);
    keys.add(key);
  }
  return {
    outsiders: outsiders.isAbsent ? 'default' : outsiders.oneOf(['default', 'refuse']),
    freezeAtMs: readTime(freezeAt),
    segments: read,
  };
}

interface Reading {
  readonly stageKeys: readonly string[];
  readonly context: ConditionContext;
  readonly limits: PlanLimits;
}

function readSegment(given: PlanText, reading: Reading, isLast: boolean): Segment {
  const { key, reason, where, show, devices } = given.fields(['key', 'reason', 'where', 'show', 'devices']);
  if (!isKey(key.raw)) throw key.refused('must be 1 to 64 of A-Z a-z 0-9 . _ -');
  if (isLast !== where.isAbsent) {
    throw where.refused(
      isLast
        ? 'must be left out of the last segment, which is for everybody else'
        : 'is left out, which only the last segment may be, since nobody gets beyond it',
    );
  }
  const shown = readShows(show, reading, readShow);
  const changes = readDevices(devices, reading, shown);
  return {
    key: key.raw,
    reason: reason.text(reasonLengthMax),
    where: where.isAbsent ? null : readWhere(where, reading),
    maps: {
      tv: mapOf('tv', given, shown, changes, reading),
      phone: mapOf('phone', given, shown, changes, reading),
      tablet: mapOf('tablet', given, shown, changes, reading),
      web: mapOf('web', given, shown, changes, reading),
    },
  };
}

function readWhere(where: PlanText, { context }: Reading): Condition {
  const read = readConditionJson(where.place, where.raw, context);
  if (read.kind === 'refused') throw where.refused(read.message.replace(/\.$/, ''));
  return read.condition;
}

function readShows<T>(
  given: PlanText,
  { stageKeys }: Reading,
  read: (show: PlanText) => T,
): ReadonlyMap<string, T> {
  const shows = new Map<string, T>();
  for (const [key, show] of given.entries()) {
    if (!stageKeys.includes(key))
      throw show.refused(`is no stage of the event, which has ${stageKeys.join(', ')}`);
    shows.set(key, read(show));
  }
  return shows;
}

const showFields = [
  'title',
  'subtitle',
  'artwork',
  'badge',
  'placement',
  'deepLink',
  'player',
  'action',
] as const;

function readShow(given: PlanText): Show {
  const { title, artwork, placement, deepLink, player } = given.fields(showFields);
  return {
    ...readPartial(given),
    title: title.text(textLengthMax),
    artwork: readLinkOrName(artwork),
    placement: placement.text(nameLengthMax),
    deepLink: readLink(deepLink),
    player: player.oneOf(['stay', 'enter']),
  };
}

/** Of a kind of device: what it has otherwise. */
function readPartial(given: PlanText): Partial<Show> {
  const { title, subtitle, artwork, badge, placement, deepLink, player, action } = given.fields(showFields);
  return {
    ...(title.isAbsent ? {} : { title: title.text(textLengthMax) }),
    ...(subtitle.isAbsent ? {} : { subtitle: subtitle.text(textLengthMax) }),
    ...(artwork.isAbsent ? {} : { artwork: readLinkOrName(artwork) }),
    ...(badge.isAbsent ? {} : { badge: badge.text(nameLengthMax) }),
    ...(placement.isAbsent ? {} : { placement: placement.text(nameLengthMax) }),
    ...(deepLink.isAbsent ? {} : { deepLink: readLink(deepLink) }),
    ...(player.isAbsent ? {} : { player: player.oneOf(['stay', 'enter']) }),
    ...(action.isAbsent ? {} : { action: action.text(nameLengthMax) }),
  };
}

type DeviceChanges = ReadonlyMap<DeviceKind, ReadonlyMap<string, Partial<Show>>>;

function readDevices(given: PlanText, reading: Reading, shown: StageMap): DeviceChanges {
  const changes = new Map<DeviceKind, ReadonlyMap<string, Partial<Show>>>();
  if (given.isAbsent) return changes;
  for (const [kind, shows] of given.entries()) {
    if (!isDeviceKind(kind)) throw shows.refused(`is no kind of device: ${deviceKinds.join(', ')}`);
    const partial = readShows(shows, reading, readPartial);
    for (const key of partial.keys())
      if (!shown.has(key)) throw shows.refused(`changes the stage ${key}, which \`show\` says nothing of`);
    changes.set(kind, partial);
  }
  return changes;
}

/** In the order of the event's stages. */
function mapOf(
  kind: DeviceKind,
  segment: PlanText,
  shown: StageMap,
  changes: DeviceChanges,
  { stageKeys, limits }: Reading,
): StageMap {
  const map = new Map<string, Show>();
  for (const key of stageKeys) {
    const show = shown.get(key);
    if (show !== undefined) map.set(key, { ...show, ...changes.get(kind)?.get(key) });
  }
  const bytes = Buffer.byteLength(encodeStageMap(map));
  if (bytes > limits.payloadBytesMax)
    throw segment.refused(
      `is ${bytes} bytes for a ${kind}, and a stage map has ${limits.payloadBytesMax} at most`,
    );
  return map;
}

function readLink(given: PlanText): string {
  const text = given.text(linkLengthMax);
  if (unsafeLink.test(text) || !link.test(text))
    throw given.refused('must be an address such as app://title/t1, https://… or /title/t1');
  return text;
}

function readLinkOrName(given: PlanText): string {
  const text = given.text(linkLengthMax);
  if (unsafeLink.test(text)) throw given.refused('must be the name of a variant, or an address');
  return text;
}

function readTime(given: PlanText): number | null {
  if (given.isAbsent) return null;
  const atMs = Date.parse(given.text(nameLengthMax));
  if (!Number.isSafeInteger(atMs) || atMs < 0)
    throw given.refused('must be a time such as 2026-11-21T20:15:00Z');
  return atMs;
}
