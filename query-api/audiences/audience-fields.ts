import {
  GraphQLBoolean,
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLString,
} from 'graphql';
import type { ApiContext } from '../api-context.ts';
import { badInput } from '../api-error.ts';
import { estimateCost, freezeCost } from './audience-cost.ts';
import { type AudienceWhereInput, audienceWhereInput, readDefinition } from './audience-input.ts';
import { audiencesOf, told } from './audience-resolving.ts';
import { audienceEstimateType, audienceId, audienceType } from './audience-type.ts';
import { type Definition, encodeDefinition } from './condition.ts';

interface WhoArguments {
  readonly memberType: string;
  readonly where: AudienceWhereInput;
}

interface FreezeArguments extends WhoArguments {
  readonly name: string;
  readonly key: string;
  readonly waitMs: number;
}

const who = {
  memberType: {
    type: new GraphQLNonNull(GraphQLString),
    description: 'Node type of the members, such as `Account`.',
  },
  where: { type: new GraphQLNonNull(audienceWhereInput) },
};
const nameLengthMax = 200;
/** Of what is kept of each audience in memory. */
const definitionBytesMax = 65_536;
const listDefault = 50;
const listMax = 100;
const waitMsMax = 4000;

export const audienceFields: GraphQLFieldConfigMap<unknown, ApiContext> = {
  audienceEstimate: {
    type: new GraphQLNonNull(audienceEstimateType),
    description: 'How large an audience would be now.',
    args: who,
    extensions: { cost: estimateCost },
    resolve: async (_source, input: WhoArguments, context) => {
      const definition = definitionOf(input, context);
      context.reads.take();
      const { readerOfJobs, run, signal } = context;
      return await told(() =>
        run.timed('estimate', () => audiencesOf(context).estimate(readerOfJobs, definition, signal)),
      );
    },
  },
  audience: {
    type: audienceType,
    description: 'One audience; null when there is none of that id.',
    args: { id: { type: new GraphQLNonNull(GraphQLID) } },
    resolve: (_source, { id }: { readonly id: string }, context) => audiencesOf(context).get(id),
  },
  audiences: {
    type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(audienceType))),
    description: 'Newest first; those that are being built or failed before all others.',
    args: {
      first: {
        type: new GraphQLNonNull(GraphQLInt),
        defaultValue: listDefault,
        description: `At most ${listMax}.`,
      },
      after: { type: GraphQLID, description: 'Those that come behind this one.' },
    },
    resolve: (_source, { first, after }: { first: number; after?: string | null }, context) => {
      if (first < 1 || first > listMax) throw badInput('first', `1 to ${listMax}`);
      const all = audiencesOf(context).list();
      const from = after == null ? 0 : all.findIndex((one) => audienceId(one) === after) + 1;
      if (after != null && from === 0) throw badInput('after', 'the id of an audience that is there');
      return all.slice(from, from + first);
    },
  },
};

export const audienceMutations: GraphQLFieldConfigMap<unknown, ApiContext> = {
  freezeAudience: {
    type: new GraphQLNonNull(audienceType),
    description: 'Begins to freeze an audience. Asked again under the same key it gives the same one.',
    extensions: { cost: freezeCost },
    args: {
      ...who,
      name: { type: new GraphQLNonNull(GraphQLString), description: 'For people.' },
      key: { type: new GraphQLNonNull(GraphQLString), description: "The client's own, such as a UUID." },
      waitMs: {
        type: new GraphQLNonNull(GraphQLInt),
        defaultValue: 0,
        description: `How long to wait for it to be ready, at most ${waitMsMax}; then ask for its \`state\`.`,
      },
    },
    resolve: async (_source, input: FreezeArguments, context) => {
      const { name, key, waitMs } = input;
      for (const [argument, value] of [
        ['name', name],
        ['key', key],
      ] as const)
        if (value.length === 0 || value.length > nameLengthMax)
          throw badInput(argument, `1 to ${nameLengthMax} characters`);
      if (waitMs < 0 || waitMs > waitMsMax) throw badInput('waitMs', `0 to ${waitMsMax}`);
      const definition = definitionOf(input, context);
      if (Buffer.byteLength(encodeDefinition(definition)) > definitionBytesMax)
        throw badInput('where', `a condition of at most ${definitionBytesMax} bytes`);
      context.reads.take();
      const audiences = audiencesOf(context);
      const { caller } = context;
      const askedBy = caller.kind === 'local' ? null : caller.subject;
      const begun = await told(() =>
        audiences.freeze(context.readerOfJobs, { name, key, definition, askedBy }, (build) =>
          context.job('freeze', build),
        ),
      );
      if (begun.state !== 'BUILDING' || waitMs === 0) return begun;
      return (await audiences.settled(begun.id, waitMs)) ?? begun;
    },
  },
  deleteAudience: {
    type: new GraphQLNonNull(GraphQLBoolean),
    description:
      'Deletes an audience, or ends one that is being built; false when there was none. Refused while a live event needs it.',
    args: { id: { type: new GraphQLNonNull(GraphQLID) } },
    resolve: async (_source, { id }: { readonly id: string }, context) => {
      const audiences = audiencesOf(context);
      return await told(() => audiences.delete(id));
    },
  },
};

function definitionOf(
  { memberType, where }: WhoArguments,
  { clock, limits, status }: ApiContext,
): Definition {
  const schema = status.graphSchema();
  return readDefinition(memberType, where, { nowMs: clock.now(), lookbackMs: limits.lookbackMs, schema });
}
