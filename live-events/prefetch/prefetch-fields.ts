import {
  GraphQLError,
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLString,
} from 'graphql';
import { isKey } from '../../device/index.ts';
import { type Clock, type Random, RefusedError } from '../../foundation/index.ts';
import {
  type ApiContext,
  type AudienceSegments,
  type ExplainedCondition,
  type FieldCost,
  told,
} from '../../query-api/index.ts';
import type { LiveEvent } from '../live-event.ts';
import type { DeviceClaims } from '../ports.ts';
import type { DeviceKind } from '../stage-maps/show.ts';
import type { StageMaps } from '../stage-maps/stage-maps.ts';
import { readMember } from './member.ts';
import type { Prefetches } from './prefetch.ts';
import { refusesCounts, refusesPrefetch } from './prefetch-access.ts';
import {
  type Connection,
  connectionType,
  coverageType,
  curvePointType,
  deviceKindType,
  materializationType,
  prefetchType,
} from './prefetch-types.ts';

export interface PrefetchFieldParts {
  readonly prefetches: Prefetches;
  readonly maps: StageMaps;
  readonly segments: Pick<AudienceSegments, 'explain'>;
  /** Who may have stage maps made; throws a GraphQLError. The same as for other commands. */
  readonly authorizeCommand: (context: ApiContext) => void;
  readonly signToken: (claims: DeviceClaims) => Promise<string>;
  /** Of an event's socket, such as `wss://host/live/socket?event=fight-1`. */
  readonly socketUrl: (event: string) => string;
  /** A token is valid for nine to ten tenths of it, by chance. */
  readonly tokenMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

const tokenDither = 0.1;
const minutesMax = 1440;
const curvePointsMax = 500;
/** Of a day, all of which are walked. */
const curveBuckets = 8_640;
/** A row of the audiences' database, and one of the stage maps'. */
const curveCost: FieldCost<{ readonly points: number }> = ({ points }) => ({
  own: { calls: 1, rows: curveBuckets },
  objects: points,
  cheaper: [{ argument: 'points', value: points, least: 1 }],
});
const prefetchCost = () => ({ own: { calls: 2, rows: 2 }, objects: 1, cheaper: [] });

interface OfDevice {
  readonly member: string;
  readonly device: string;
}

const member = {
  type: new GraphQLNonNull(GraphQLString),
  description: 'As `Type:id`, such as `Account:a1`.',
};

/** What stage maps and prefetches add to an event. */
export function prefetchFields(parts: PrefetchFieldParts): GraphQLFieldConfigMap<LiveEvent, ApiContext> {
  const { prefetches, maps } = parts;
  return {
    ...deviceFields(parts),
    materialization: {
      type: new GraphQLNonNull(materializationType),
      extensions: { cost: prefetchCost },
      resolve: async ({ id }, _input, context) => {
        refuse(refusesCounts(context));
        return await told(() => maps.report(id));
      },
    },
    prefetchCoverage: {
      type: coverageType,
      description: 'Null while there is nothing to fetch.',
      extensions: { cost: prefetchCost },
      resolve: async ({ id }, _input, context) => {
        refuse(refusesCounts(context));
        return await told(() => prefetches.coverage(id));
      },
    },
    refreshCurve: {
      type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(curvePointType))),
      description: 'When devices will come back for a new copy, by the times to live that were given out.',
      extensions: { cost: curveCost },
      args: {
        minutes: {
          type: new GraphQLNonNull(GraphQLInt),
          defaultValue: 60,
          description: `1 to ${minutesMax}.`,
        },
        points: {
          type: new GraphQLNonNull(GraphQLInt),
          defaultValue: 60,
          description: `1 to ${curvePointsMax}.`,
        },
      },
      resolve: async ({ id }, { minutes, points }: { minutes: number; points: number }, context) => {
        refuse(refusesCounts(context));
        context.reads.take();
        if (minutes < 1 || minutes > minutesMax) throw badInput('minutes', `1 to ${minutesMax}`);
        if (points < 1 || points > curvePointsMax) throw badInput('points', `1 to ${curvePointsMax}`);
        return await told(() => prefetches.refreshCurve(id, minutes, points));
      },
    },
  };
}

function deviceFields(parts: PrefetchFieldParts): GraphQLFieldConfigMap<LiveEvent, ApiContext> {
  const { prefetches } = parts;
  return {
    prefetch: {
      type: new GraphQLNonNull(prefetchType),
      description: 'What a device is to show at each stage. Asking counts as having fetched it.',
      args: {
        member,
        device: { type: new GraphQLNonNull(deviceKindType) },
        ifNoneMatch: { type: GraphQLString, description: '`etag` of what the device has.' },
      },
      extensions: { cost: prefetchCost },
      resolve: async (
        { id },
        input: OfDevice & { device: DeviceKind; ifNoneMatch?: string | null },
        context,
      ) => {
        refuse(refusesPrefetch(context.caller, input.member));
        const { device, ifNoneMatch } = input;
        const answer = await told(() => prefetches.prefetch(id, input.member, device, ifNoneMatch ?? null));
        return { answer, why: (asked: ApiContext) => explained(parts, id, input.member, asked) };
      },
    },
    connection: {
      type: new GraphQLNonNull(connectionType),
      description: 'Where a device opens its socket, and the token that lets it.',
      args: {
        member,
        device: { type: new GraphQLNonNull(GraphQLString), description: "The device's own id." },
      },
      extensions: { cost: prefetchCost },
      resolve: async (event, input: OfDevice, { caller }) => {
        refuse(refusesPrefetch(caller, input.member));
        return await told(() => connectionOf(parts, event, input));
      },
    },
  };
}

/** Root mutations. */
export function prefetchMutations({
  maps,
  authorizeCommand,
}: Pick<PrefetchFieldParts, 'maps' | 'authorizeCommand'>): GraphQLFieldConfigMap<unknown, ApiContext> {
  return {
    materializeLiveEvent: {
      type: new GraphQLNonNull(materializationType),
      description: 'Begins to look at all members of the audience anew; what serves, serves until then.',
      args: { id: { type: new GraphQLNonNull(GraphQLID) } },
      resolve: async (_source, { id }: { readonly id: string }, context) => {
        authorizeCommand(context);
        return await told(() => maps.materialize(id));
      },
    },
  };
}

async function connectionOf(
  { clock, random, tokenMs, signToken, socketUrl, maps, prefetches }: PrefetchFieldParts,
  event: LiveEvent,
  input: OfDevice,
): Promise<Connection> {
  readMember(input.member);
  if (!isKey(input.device))
    throw new RefusedError(
      'INVALID_DEVICE',
      'A device is named by 1 to 64 of A-Z a-z 0-9 . _ -; name it so.',
    );
  // Whoever may not fetch has nothing to hear either; while nothing serves yet, nobody knows who may.
  if (refusesOutsiders(maps, event)) await prefetches.segmentOf(event.id, input.member);
  // Devices that came in one minute must not all lose their sockets in another.
  const expiresAt = clock.now() + Math.round(tokenMs * (1 - tokenDither * random()));
  const token = await signToken({
    event: event.id,
    member: input.member,
    device: input.device,
    expiresAtMs: expiresAt,
  });
  return { url: socketUrl(event.id), token, expiresAt };
}

function refusesOutsiders(maps: StageMaps, { id, plan }: LiveEvent): boolean {
  const served = maps.served(id);
  if (served !== null) return served.version.outsiders === 'refuse';
  return plan !== null && maps.planOf(id).outsiders === 'refuse';
}

async function explained(
  { prefetches, maps, segments }: PrefetchFieldParts,
  event: string,
  asked: string,
  context: ApiContext,
): Promise<readonly ExplainedCondition[]> {
  // It tells what the graph says of a member, which a device's own token does not read.
  refuse(refusesCounts(context));
  return await told(async () => {
    const { key } = await prefetches.segmentOf(event, asked);
    const where = maps.planOf(event).segments.find((one) => one.key === key)?.where ?? null;
    if (where === null) return [];
    const { type, id } = readMember(asked);
    const run = { reader: context.readerOfJobs, signal: context.signal, abandoned };
    return await segments.explain(type, where, id, run);
  });
}

const abandoned = (): Error =>
  new RefusedError('DEADLINE_EXCEEDED', 'The request has ended; nothing more is looked at for it.');

function refuse(why: string | null): void {
  if (why !== null) throw new GraphQLError(why, { extensions: { code: 'FORBIDDEN' } });
}

function badInput(argument: string, takes: string): GraphQLError {
  return new GraphQLError(`Argument "${argument}" takes ${takes}.`, {
    extensions: { code: 'BAD_USER_INPUT', argument, takes },
  });
}
