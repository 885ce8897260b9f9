import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLID,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import type { NodeRef, SourceJson } from '../../graph-store/index.ts';
import type { ApiContext } from '../api-context.ts';
import { badInput } from '../api-error.ts';
import { readNodeRef } from '../node-arguments.ts';
import { nodeRefType } from '../node-type.ts';
import { bigIntScalar, dateTimeScalar, jsonScalar } from '../scalars.ts';
import type { Audience } from './audience.ts';
import { containsCost, explainCost, membersCost } from './audience-cost.ts';
import type { AudienceExplanation, ExplainedCondition } from './audience-explanation.ts';
import { audiencesOf, told } from './audience-resolving.ts';
import { audiencesPath } from './audiences-path.ts';
import { decodeDefinition, encodeDefinition } from './condition.ts';
import type { AudienceEstimate } from './estimate.ts';

const text = new GraphQLNonNull(GraphQLString);
const flag = new GraphQLNonNull(GraphQLBoolean);
const count = new GraphQLNonNull(GraphQLInt);

export const audienceEstimateType = new GraphQLObjectType<AudienceEstimate>({
  name: 'AudienceEstimate',
  description: 'How large an audience would be if it were frozen now.',
  fields: {
    count: { type: count },
    low: { type: count, description: 'At 95 %; the same as `count` when it was counted.' },
    high: { type: GraphQLInt, description: 'Null where nothing bounds it.' },
    method: {
      type: new GraphQLNonNull(
        new GraphQLEnumType({
          name: 'AudienceEstimateMethod',
          values: {
            COUNTED: { value: 'counted', description: 'Exactly so many now.' },
            SAMPLED: { value: 'sampled', description: 'From a part of the members that chance has chosen.' },
            BOUNDED: {
              value: 'bounded',
              description: 'At least so many: no part that chance has chosen says how many more.',
            },
          },
        }),
      ),
    },
    sampled: { type: count, description: 'Members looked at for it.' },
    cutShort: { type: count, description: 'Members of whose edges only the newest were looked at.' },
  },
});

const sourceType = new GraphQLObjectType<SourceJson>({
  name: 'AudienceSource',
  description: 'How far one partition was applied.',
  fields: {
    topic: { type: text, resolve: ({ source }) => source.topic },
    partition: { type: count, resolve: ({ source }) => source.partition },
    next: { type: new GraphQLNonNull(bigIntScalar), resolve: ({ next }) => BigInt(next) },
  },
});

export const audienceConditionType = new GraphQLObjectType<ExplainedCondition>({
  name: 'AudienceCondition',
  fields: {
    path: { type: text, description: 'Where it stands in the definition; empty for the whole.' },
    condition: { type: text },
    holdsNow: { type: flag },
    found: {
      type: jsonScalar,
      description: 'What decides it: occurrences that count, or the properties compared.',
    },
  },
});

const explanationType = new GraphQLObjectType<AudienceExplanation>({
  name: 'AudienceExplanation',
  description: 'Why a node is in an audience or not: what was true when it was frozen, and what is now.',
  fields: {
    wasMember: { type: flag, description: 'When it was frozen; this never changes.' },
    holdsNow: { type: flag, description: 'Were it frozen anew over the same time.' },
    difference: {
      type: new GraphQLNonNull(
        new GraphQLEnumType({
          name: 'AudienceDifference',
          values: {
            NONE: { description: 'What was true then is true now.' },
            NO_LONGER_HOLDS: { description: 'A member whose conditions do not all hold now: see which.' },
            HOLDS_SINCE: { description: 'No member; its conditions hold by what came since.' },
          },
        }),
      ),
    },
    conditions: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(audienceConditionType))) },
  },
});

interface MembersAnswer {
  readonly members: readonly NodeRef[];
  readonly endCursor: string | null;
  readonly hasNextPage: boolean;
}

const membersType = new GraphQLObjectType<MembersAnswer>({
  name: 'AudienceMembers',
  fields: {
    nodes: {
      type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(nodeRefType))),
      resolve: ({ members }) => members,
    },
    endCursor: { type: GraphQLString },
    hasNextPage: { type: flag },
  },
});

export const audienceId = (audience: Audience): string =>
  audience.state === 'READY' ? audience.row.id : audience.id;

export const audienceType: GraphQLObjectType<Audience, ApiContext> = new GraphQLObjectType<
  Audience,
  ApiContext
>({
  name: 'Audience',
  description: 'A set of nodes that never changes once it is frozen.',
  fields: {
    id: { type: new GraphQLNonNull(GraphQLID), resolve: audienceId },
    name: { type: text, resolve: (one) => (one.state === 'READY' ? one.row : one.request).name },
    key: { type: text, resolve: (one) => (one.state === 'READY' ? one.row : one.request).key },
    state: {
      type: new GraphQLNonNull(
        new GraphQLEnumType({
          name: 'AudienceState',
          values: {
            BUILDING: {
              description: 'On its way; lost when the server stops, and then frozen anew under its key.',
            },
            READY: { description: 'Frozen.' },
            FAILED: { description: 'It came to nothing: see `failure`.' },
          },
        }),
      ),
    },
    failure: {
      type: GraphQLString,
      description: 'Code and sentence.',
      resolve: (one) => (one.state === 'FAILED' ? `${one.failure.code}: ${one.failure.message}` : null),
    },
    scanned: {
      type: GraphQLFloat,
      description: 'Rows looked at so far, while it is being built.',
      resolve: (one) => (one.state === 'BUILDING' ? one.progress.scanned : null),
    },
    size: {
      type: GraphQLInt,
      description: 'Members; while it is being built those found so far.',
      resolve: (one) =>
        one.state === 'READY' ? one.row.size : one.state === 'BUILDING' ? one.progress.members : null,
    },
    memberType: {
      type: text,
      resolve: (one) => (one.state === 'READY' ? one.row : one.request.definition).memberType,
    },
    definition: {
      type: new GraphQLNonNull(jsonScalar),
      description: 'What was asked, with its times as they were fixed.',
      resolve: (one) => {
        const definition =
          one.state === 'READY' ? decodeDefinition(one.row.definition) : one.request.definition;
        return JSON.parse(encodeDefinition(definition));
      },
    },
    askedBy: {
      type: GraphQLString,
      resolve: (one) => (one.state === 'READY' ? one.row : one.request).askedBy,
    },
    frozenAt: { type: dateTimeScalar, resolve: (one) => (one.state === 'READY' ? one.row.frozenAtMs : null) },
    tookMs: { type: GraphQLInt, resolve: (one) => (one.state === 'READY' ? one.row.tookMs : null) },
    bytes: { type: GraphQLInt, resolve: (one) => (one.state === 'READY' ? one.row.bytes : null) },
    cutShort: {
      type: GraphQLInt,
      description:
        'Members of whose edges only the newest were looked at, so that one further back may have been missed.',
      resolve: (one) => (one.state === 'READY' ? one.row.cutShort : null),
    },
    sources: {
      type: new GraphQLList(new GraphQLNonNull(sourceType)),
      description: 'How far the graph was when freezing began: all of that was looked at.',
      resolve: (one) => (one.state === 'READY' ? one.row.sources : null),
    },
    sourcesAfter: {
      type: new GraphQLList(new GraphQLNonNull(sourceType)),
      description: 'And when it ended: of what was applied in between some may have been seen.',
      resolve: (one) => (one.state === 'READY' ? one.row.sourcesAfter : null),
    },
    tablePath: {
      type: text,
      description:
        'All members as a table: GET it with the same authorization and `accept: application/vnd.apache.arrow.stream`.',
      resolve: (one) => `${audiencesPath}${audienceId(one)}/members`,
    },
    members: {
      extensions: { cost: membersCost },
      type: membersType,
      description: 'In an order that never changes. Null, with an error, while it is not ready.',
      args: { first: { type: GraphQLInt }, after: { type: GraphQLString } },
      resolve: async (one, { first, after }: { first?: number | null; after?: string | null }, context) => {
        const limit = first ?? context.limits.pageDefault;
        if (limit < 1 || limit > membersPageMax) throw badInput('first', `1 to ${membersPageMax}`);
        const from = after == null ? null : readMemberCursor(after);
        context.reads.take();
        const { members, numbers, more } = await told(() =>
          audiencesOf(context).page(audienceId(one), from, limit),
        );
        const last = numbers.at(-1);
        return { members, hasNextPage: more, endCursor: last === undefined ? null : writeMemberCursor(last) };
      },
    },
    contains: {
      extensions: { cost: containsCost },
      type: GraphQLBoolean,
      args: { id: { type: new GraphQLNonNull(GraphQLID) } },
      resolve: async (one, { id }: { id: string }, context) => {
        const member = memberOf(one, id);
        context.reads.take();
        return await told(() => audiencesOf(context).contains(audienceId(one), member));
      },
    },
    explain: {
      extensions: { cost: explainCost },
      type: explanationType,
      args: { id: { type: new GraphQLNonNull(GraphQLID) } },
      resolve: async (one, { id }: { id: string }, context) => {
        const member = memberOf(one, id);
        context.reads.take();
        const { readerOfJobs, signal } = context;
        return await told(() =>
          audiencesOf(context).explain(readerOfJobs, audienceId(one), member.id, signal),
        );
      },
    },
  },
});

const membersPageMax = 1000;

function memberOf(audience: Audience, id: string): NodeRef {
  const { memberType } = audience.state === 'READY' ? audience.row : audience.request.definition;
  return readNodeRef('memberType', 'id', memberType, id);
}

/** A member's number: it never changes, so a cursor holds for as long as the audience does. */
function writeMemberCursor(number: number): string {
  const bytes = Buffer.alloc(5);
  bytes[0] = 1;
  bytes.writeUInt32BE(number, 1);
  return bytes.toString('base64url');
}

function readMemberCursor(given: string): number {
  const bytes = Buffer.from(given, 'base64url');
  if (bytes.length !== 5 || bytes[0] !== 1 || bytes.toString('base64url') !== given)
    throw badInput('after', 'a cursor that an earlier page gave');
  return bytes.readUInt32BE(1);
}
