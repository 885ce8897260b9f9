import {
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import { type ApiContext, badInput, bigIntScalar, dateTimeScalar, told } from '../../query-api/index.ts';
import type { Coverage, ReachTimes } from './coverage.ts';
import { missingMembersCost } from './coverage-cost.ts';
import type { CoverageTracker, MissingMember } from './coverage-tracker.ts';
import { type MissingReason, missingReasons } from './missing.ts';

const text = new GraphQLNonNull(GraphQLString);
const count = new GraphQLNonNull(GraphQLInt);
const membersPageMax = 500;
const membersPageDefault = 50;

const reasonDescriptions: Readonly<Record<MissingReason, string>> = {
  NEVER_PREFETCHED: 'None of its devices has fetched what it would show.',
  NEVER_CONNECTED: 'None was connected to the event until the next broadcast.',
  DISCONNECTED_BEFORE: 'Was connected earlier, and not when this was sent.',
  TOO_SLOW: 'Its socket was closed as too slow while this was on its way.',
  SILENT: 'It was sent, and nothing was heard.',
};

const reasonType = new GraphQLEnumType({
  name: 'LiveMissingReason',
  description: 'The first step on the way to a member that failed.',
  values: Object.fromEntries(
    missingReasons.map((reason) => [reason, { description: reasonDescriptions[reason] }]),
  ),
});

const missingType = new GraphQLObjectType<Coverage['missing'][number]>({
  name: 'LiveMissing',
  fields: { reason: { type: new GraphQLNonNull(reasonType) }, count: { type: count } },
});

const memberType = new GraphQLObjectType<MissingMember>({
  name: 'LiveMissingMember',
  fields: {
    member: { type: text, description: 'As `Type:id`.' },
    reason: { type: new GraphQLNonNull(reasonType) },
    cursor: { type: text, description: 'For `after`.', resolve: ({ number }) => writeCursor(number) },
  },
});

const timesType = new GraphQLObjectType<ReachTimes>({
  name: 'LiveReachTimes',
  description:
    'From `at`, or from when it was made for a change within a stage; over the members that were reached, not over the audience; null while there are none. At most 4.5 % above the true ones, `t100Ms` exact.',
  fields: { t50Ms: { type: GraphQLInt }, t99Ms: { type: GraphQLInt }, t100Ms: { type: GraphQLInt } },
});

interface MembersArguments {
  readonly reason?: MissingReason | null;
  readonly first: number;
  readonly after?: string | null;
}

export function createCoverageType(tracker: CoverageTracker): GraphQLObjectType<Coverage, ApiContext> {
  return new GraphQLObjectType<Coverage, ApiContext>({
    name: 'LiveCoverage',
    description: 'How far one broadcast came. A member counts once, by the first of its devices.',
    fields: {
      epoch: { type: new GraphQLNonNull(bigIntScalar) },
      sequence: { type: count },
      stage: { type: text },
      at: { type: new GraphQLNonNull(dateTimeScalar) },
      audience: { type: GraphQLInt, description: 'Its members; null of an event without one.' },
      connected: { type: count, description: 'Had a socket when it was sent, or came while it held.' },
      sent: { type: count },
      applied: { type: count, description: 'A device of theirs said that it shows it.' },
      share: { type: GraphQLFloat, description: 'Of the audience, who applied it.' },
      ...appliedTimes,
      sentTimes: { type: new GraphQLNonNull(timesType) },
      missing: {
        type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(missingType))),
        description: 'Of the audience; empty without one.',
      },
      missingMembers: {
        type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(memberType))),
        description: 'In an order that never changes.',
        extensions: { cost: missingMembersCost },
        args: {
          reason: { type: reasonType, description: 'Left out: each of them.' },
          first: {
            type: new GraphQLNonNull(GraphQLInt),
            defaultValue: membersPageDefault,
            description: `At most ${membersPageMax}.`,
          },
          after: { type: GraphQLString, description: "The last member's `cursor`." },
        },
        resolve: async (key, { reason, first, after }: MembersArguments, context) => {
          if (first < 1 || first > membersPageMax) throw badInput('first', `1 to ${membersPageMax}`);
          const from = after == null ? null : readCursor(after);
          context.reads.take();
          return await told(() => tracker.missing(key, { reason: reason ?? null, first, after: from }));
        },
      },
    },
  });
}

const reached = 'Of the members that applied it, not of the audience: see `sentTimes`.';
const appliedTimes = {
  t50Ms: { type: GraphQLInt, description: reached, resolve: (one: Coverage) => one.appliedTimes.t50Ms },
  t99Ms: { type: GraphQLInt, description: reached, resolve: (one: Coverage) => one.appliedTimes.t99Ms },
  t100Ms: { type: GraphQLInt, description: reached, resolve: (one: Coverage) => one.appliedTimes.t100Ms },
};

/** A member's number: it never changes, so a cursor holds for as long as the audience does. */
function writeCursor(number: number): string {
  const bytes = Buffer.alloc(5);
  bytes[0] = 1;
  bytes.writeUInt32BE(number, 1);
  return bytes.toString('base64url');
}

function readCursor(given: string): number {
  const bytes = Buffer.from(given, 'base64url');
  if (bytes.length !== 5 || bytes[0] !== 1 || bytes.toString('base64url') !== given)
    throw badInput('after', 'a cursor that an earlier page gave');
  return bytes.readUInt32BE(1);
}
