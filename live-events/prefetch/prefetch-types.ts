import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import {
  type ApiContext,
  audienceConditionType,
  dateTimeScalar,
  type ExplainedCondition,
  jsonScalar,
} from '../../query-api/index.ts';
import type { MapsReport } from '../stage-maps/maps-report.ts';
import type { DeviceKind } from '../stage-maps/show.ts';
import type { PrefetchAnswer, PrefetchCopy, Prefetches } from './prefetch.ts';
import { prefetchValue } from './prefetch-json.ts';
import type { CurvePoint } from './refresh-curve.ts';

const text = new GraphQLNonNull(GraphQLString);
const count = new GraphQLNonNull(GraphQLInt);
const number = new GraphQLNonNull(GraphQLFloat);
const flag = new GraphQLNonNull(GraphQLBoolean);
const time = new GraphQLNonNull(dateTimeScalar);
const listOf = (type: GraphQLObjectType): GraphQLNonNull<GraphQLList<GraphQLNonNull<GraphQLObjectType>>> =>
  new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)));

export const deviceKindType = new GraphQLEnumType({
  name: 'LiveDeviceKind',
  values: {
    TV: { value: 'tv' satisfies DeviceKind },
    PHONE: { value: 'phone' satisfies DeviceKind },
    TABLET: { value: 'tablet' satisfies DeviceKind },
    WEB: { value: 'web' satisfies DeviceKind },
  },
});

/** What was answered, and what it takes to explain it. */
export interface PrefetchSource {
  readonly answer: PrefetchAnswer;
  readonly why: (context: ApiContext) => Promise<readonly ExplainedCondition[]>;
}

const copyOf = ({ answer }: PrefetchSource): PrefetchCopy | null => (answer.kind === 'copy' ? answer : null);

const prefetchStageType = new GraphQLObjectType<PrefetchCopy['stages'][number]>({
  name: 'LivePrefetchStage',
  fields: {
    key: { type: text },
    kind: { type: text },
    startsAt: { type: dateTimeScalar, resolve: ({ startsAtMs }) => startsAtMs },
  },
});

const quietType = new GraphQLObjectType<NonNullable<PrefetchCopy['quiet']>>({
  name: 'LiveQuietWindow',
  fields: { from: { type: time }, until: { type: time } },
});

/** As an explanation of an audience: what it reads to find targets nobody knows before. */
const whyCost = () => ({ own: { calls: 100, rows: 10_000 }, objects: 64, cheaper: [] });

export const prefetchType = new GraphQLObjectType<PrefetchSource, ApiContext>({
  name: 'LivePrefetch',
  description: 'What a device is to show at each stage of an event, and for how long that may be used.',
  fields: {
    notModified: {
      type: flag,
      description:
        'True when `ifNoneMatch` named what is in force; then only `etag`, `ttlMs` and `expiresAt` are there.',
      resolve: ({ answer }) => answer.kind === 'not-modified',
    },
    etag: { type: text, resolve: ({ answer }) => answer.etag },
    ttlMs: { type: number, resolve: ({ answer }) => answer.ttlMs },
    expiresAt: { type: time, resolve: ({ answer }) => answer.expiresAt },
    version: {
      type: GraphQLInt,
      description: 'Of the schedule.',
      resolve: (source) => copyOf(source)?.version,
    },
    stages: {
      type: new GraphQLList(new GraphQLNonNull(prefetchStageType)),
      resolve: (source) => copyOf(source)?.stages,
    },
    stageMap: {
      type: jsonScalar,
      description: 'What to show, by the key of the stage.',
      resolve: (source) => copyOf(source)?.stageMap.value,
    },
    segment: { type: GraphQLString, resolve: (source) => copyOf(source)?.segment },
    reason: {
      type: GraphQLString,
      description: 'Why the member is in this segment, as the plan says.',
      resolve: (source) => copyOf(source)?.reason,
    },
    why: {
      type: listOf(audienceConditionType),
      description:
        "The condition of the member's segment and its parts, as they are now; empty for the segment of everybody else.",
      extensions: { cost: whyCost },
      resolve: ({ why }, _input, context) => why(context),
    },
    quiet: {
      type: quietType,
      description: 'While the event is on: no copy is to expire then.',
      resolve: (source) => copyOf(source)?.quiet,
    },
    spreadMs: { type: GraphQLInt, resolve: (source) => copyOf(source)?.spreadMs },
    json: {
      type: jsonScalar,
      description: 'The whole as GET /live/events/EVENT/prefetch answers it, and as a device reads it.',
      resolve: (source) => {
        const copy = copyOf(source);
        return copy === null ? null : prefetchValue(copy);
      },
    },
  },
});

export interface Connection {
  readonly url: string;
  readonly token: string;
  readonly expiresAt: number;
}

export const connectionType = new GraphQLObjectType<Connection>({
  name: 'LiveConnection',
  description: 'Where a device opens its socket, and with what.',
  fields: { url: { type: text }, token: { type: text }, expiresAt: { type: time } },
});

const segmentType = new GraphQLObjectType<MapsReport['segments'][number]>({
  name: 'LiveSegment',
  fields: { key: { type: text }, reason: { type: text }, members: { type: count } },
});

const bytesType = new GraphQLObjectType<MapsReport['bytes']>({
  name: 'LiveMaterializationBytes',
  fields: {
    payloads: { type: count, description: 'Of all distinct stage maps, as text.' },
    payloadsCompressed: { type: count },
    segments: { type: count, description: 'Of the bitmaps that say who is in which.' },
    perMember: { type: number, description: 'Compressed stage maps and bitmaps, for each member.' },
  },
});

const progressType = new GraphQLObjectType<NonNullable<MapsReport['progress']>>({
  name: 'LiveMaterializationProgress',
  fields: {
    segments: { type: count, description: 'Those done.' },
    segmentsInAll: { type: count },
    members: { type: count, description: 'Who are in one of them.' },
  },
});

const failureType = new GraphQLObjectType<NonNullable<MapsReport['failure']>>({
  name: 'LiveMaterializationFailure',
  fields: { code: { type: text }, message: { type: text } },
});

const followingType = new GraphQLObjectType<MapsReport['following']>({
  name: 'LiveFollowing',
  description: 'Members whose journeys change until the event freezes, since this process began.',
  fields: {
    waiting: { type: count },
    evaluated: { type: count },
    moved: { type: count, description: 'From one segment to another.' },
    wholePasses: { type: count, description: 'Times that all members were looked at.' },
  },
});

export const materializationType = new GraphQLObjectType<MapsReport>({
  name: 'LiveMaterialization',
  description: 'Which member of the audience is shown what: made, followed, frozen.',
  fields: {
    state: {
      type: new GraphQLNonNull(
        new GraphQLEnumType({
          name: 'LiveMaterializationState',
          values: {
            NONE: { description: 'Nothing was asked for yet.' },
            WAITING: { description: 'All members are about to be looked at.' },
            BUILDING: { description: 'All members are being looked at; see `progress`.' },
            READY: { description: 'Members follow their journeys until the freeze.' },
            FROZEN: { description: 'Nobody moves any more.' },
            FAILED: { description: 'See `failure`; what was there before serves.' },
          },
        }),
      ),
    },
    version: { type: GraphQLString, description: 'Of what serves; null while nothing does.' },
    madeAt: { type: dateTimeScalar, resolve: ({ madeAtMs }) => madeAtMs },
    tookMs: { type: GraphQLInt },
    audience: { type: GraphQLString },
    members: { type: count, description: 'Of the audience.' },
    outsiders: { type: GraphQLString, description: '`default` or `refuse`.' },
    segments: { type: listOf(segmentType) },
    payloads: { type: count, description: 'Distinct stage maps, for all members and kinds of devices.' },
    bytes: { type: new GraphQLNonNull(bytesType) },
    progress: { type: progressType },
    failure: { type: failureType },
    following: { type: new GraphQLNonNull(followingType) },
  },
});

export type Coverage = NonNullable<ReturnType<Prefetches['coverage']>>;

const segmentCoverageType = new GraphQLObjectType<Coverage['segments'][number]>({
  name: 'LiveSegmentPrefetch',
  fields: {
    key: { type: text },
    total: { type: count, resolve: ({ members }) => members },
    members: { type: count, description: 'With a fresh copy.', resolve: ({ fresh }) => fresh },
  },
});

export const coverageType = new GraphQLObjectType<Coverage>({
  name: 'LivePrefetchCoverage',
  description: 'How much of the audience has fetched what it will be shown, as this process has seen it.',
  fields: {
    share: { type: number, resolve: ({ fresh, total }) => (total === 0 ? 1 : fresh / total) },
    members: { type: count, description: 'With a fresh copy.', resolve: ({ fresh }) => fresh },
    stale: { type: count, description: 'With an older one.' },
    total: { type: count, description: 'Of the audience.' },
    segments: { type: listOf(segmentCoverageType) },
    newPerSecond: { type: number, description: 'Who got a fresh copy lately, that had none.' },
    startsAt: { type: dateTimeScalar, resolve: ({ outlook }) => outlook.startsAtMs },
    expectedShare: {
      type: number,
      description: 'At the start, as it goes now.',
      resolve: ({ outlook }) => outlook.expectedShare,
    },
    atRisk: {
      type: count,
      description: 'Without a fresh copy at the start, as it goes now.',
      resolve: ({ outlook }) => outlook.atRisk,
    },
    shareWanted: { type: number, resolve: ({ outlook }) => outlook.shareWanted },
    isEnough: { type: flag, resolve: ({ outlook }) => outlook.isEnough },
    enoughAt: {
      type: dateTimeScalar,
      description: 'When the wanted share will be reached; null: never, as it goes now.',
      resolve: ({ outlook }) => outlook.enoughAtMs,
    },
  },
});

export const curvePointType = new GraphQLObjectType<CurvePoint>({
  name: 'LiveRefreshPoint',
  fields: {
    at: { type: time, resolve: ({ atMs }) => atMs },
    perSecond: { type: number, description: 'Devices that come back, on average until the next point.' },
  },
});
