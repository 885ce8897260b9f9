import {
  GraphQLBoolean,
  type GraphQLFieldConfig,
  type GraphQLFieldConfigArgumentMap,
  type GraphQLFieldConfigMap,
  GraphQLID,
  type GraphQLInputObjectType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import { RefusedError } from '../../foundation/index.ts';
import { type ApiContext, told } from '../../query-api/index.ts';
import type { LiveEvent, StageKind } from '../live-event.ts';
import { readLivePlan } from '../stage-maps/live-plan.ts';
import type { LiveCommand } from '../state/live-command.ts';
import type { LiveService } from '../state/live-service.ts';
import { type AskingArguments, askingOf, checkScope, writeScope } from './live-access.ts';
import { moveInput, stageInput } from './live-event-type.ts';

interface CommandArguments extends AskingArguments {
  readonly id: string;
  readonly dryRun: boolean;
}

interface CreateArguments {
  readonly title: string;
  readonly stages: readonly {
    readonly key: string;
    readonly kind: StageKind;
    readonly startsAt?: number | null;
  }[];
  readonly audience?: string | null;
  readonly plan?: string | null;
}

interface RescheduleArguments {
  readonly moves: readonly { readonly key: string; readonly startsAt?: number | null }[];
  readonly following: boolean;
}

interface AdvanceArguments {
  readonly to?: string | null;
  readonly from?: string | null;
}

interface MutationParts {
  readonly live: LiveService;
  readonly eventType: GraphQLObjectType<LiveEvent, ApiContext>;
}

const id = { id: { type: new GraphQLNonNull(GraphQLID) } };
const everyCommand: GraphQLFieldConfigArgumentMap = {
  ...id,
  reason: { type: GraphQLString, description: 'For the journal.' },
  dryRun: {
    type: new GraphQLNonNull(GraphQLBoolean),
    defaultValue: false,
    description: 'Says what would come of it, and changes nothing.',
  },
};
const versioned: GraphQLFieldConfigArgumentMap = {
  ...everyCommand,
  expectedVersion: {
    type: GraphQLInt,
    description: 'Refused as LIVE_VERSION_STALE when the schedule has another by now.',
  },
};

function listOf(type: GraphQLInputObjectType) {
  return new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)));
}

export function liveMutations(parts: MutationParts): GraphQLFieldConfigMap<unknown, ApiContext> {
  return { ...scheduleMutations(parts), ...stageMutations(parts), ...contentMutations(parts) };
}

function scheduleMutations(parts: MutationParts): GraphQLFieldConfigMap<unknown, ApiContext> {
  return {
    createLiveEvent: commandField<CreateArguments>(
      parts,
      'createLiveEvent',
      'Makes an event. It holds its first stage from now; one that says no `announced` stage gets one.',
      {
        ...everyCommand,
        title: { type: new GraphQLNonNull(GraphQLString), description: 'For people.' },
        stages: { type: listOf(stageInput), description: 'In their order.' },
        audience: { type: GraphQLID, description: 'A frozen audience.' },
        plan: { type: GraphQLString, description: 'What its segments are shown.' },
      },
      ({ title, stages, audience, plan }) => ({
        kind: 'create',
        title,
        stages: stages.map(({ key, kind, startsAt }) => ({ key, kind, startsAtMs: startsAt ?? null })),
        audience: audience ?? null,
        plan: plan ?? null,
      }),
    ),
    rescheduleLiveEvent: commandField<RescheduleArguments>(
      parts,
      'rescheduleLiveEvent',
      'Moves stages that are still to come.',
      {
        ...versioned,
        moves: { type: listOf(moveInput) },
        following: {
          type: new GraphQLNonNull(GraphQLBoolean),
          defaultValue: false,
          description: 'What follows a moved stage moves as far as that one.',
        },
      },
      ({ moves, following }) => ({
        kind: 'reschedule',
        moves: moves.map(({ key, startsAt }) => ({ key, startsAtMs: startsAt ?? null })),
        movesFollowing: following,
      }),
    ),
  };
}

function stageMutations(parts: MutationParts): GraphQLFieldConfigMap<unknown, ApiContext> {
  return {
    advanceLiveEvent: commandField<AdvanceArguments>(
      parts,
      'advanceLiveEvent',
      'Enters a later stage now.',
      {
        ...versioned,
        to: { type: GraphQLString, description: 'Left out: the next.' },
        from: {
          type: GraphQLString,
          description: 'Only while this stage holds, so that two who ask for the next do not enter two.',
        },
      },
      ({ to, from }) => ({ kind: 'advance', to: to ?? null, from: from ?? null }),
    ),
    endLiveEvent: commandField(
      parts,
      'endLiveEvent',
      'Enters the stage of kind ENDED now.',
      versioned,
      () => ({ kind: 'end' }),
    ),
    cancelLiveEvent: commandField(
      parts,
      'cancelLiveEvent',
      'Calls it off; nothing follows.',
      versioned,
      () => ({ kind: 'cancel' }),
    ),
    deleteLiveEvent: deleteField(parts),
  };
}

function contentMutations(parts: MutationParts): GraphQLFieldConfigMap<unknown, ApiContext> {
  return {
    setLivePlan: commandField<{ readonly plan?: string | null }>(
      parts,
      'setLivePlan',
      'Says what segments are shown.',
      { ...versioned, plan: { type: GraphQLString } },
      ({ plan }) => ({ kind: 'plan', plan: plan ?? null }),
    ),
    setLiveAudience: commandField<{ readonly audience?: string | null }>(
      parts,
      'setLiveAudience',
      'Says whom it is for.',
      { ...versioned, audience: { type: GraphQLID, description: 'A frozen audience.' } },
      ({ audience }) => ({ kind: 'audience', audience: audience ?? null }),
    ),
  };
}

function commandField<Arguments>(
  { live, eventType }: MutationParts,
  name: string,
  description: string,
  args: GraphQLFieldConfigArgumentMap,
  commandOf: (input: Arguments) => LiveCommand,
): GraphQLFieldConfig<unknown, ApiContext> {
  return {
    type: new GraphQLNonNull(eventType),
    description,
    args,
    resolve: async (_source, input: CommandArguments & Arguments, context) => {
      checkScope(name, writeScope, context);
      const command = commandOf(input);
      const asking = askingOf(context, input);
      return await told(async () => {
        const { after } = live.tryOut(input.id, command, asking);
        checkContents(command, after, context);
        return input.dryRun ? after : (await live.run(input.id, command, asking)).after;
      });
    },
  };
}

function deleteField({ live }: MutationParts): GraphQLFieldConfig<unknown, ApiContext> {
  return {
    type: new GraphQLNonNull(GraphQLBoolean),
    description:
      'Removes an event that is over, with its journal; `removedLiveEvents` keeps who did. Devices that still listen are closed with 4404. False when there is none.',
    args: versioned,
    resolve: async (_source, input: CommandArguments, context) => {
      checkScope('deleteLiveEvent', writeScope, context);
      if (live.get(input.id) === null) return false;
      const asking = askingOf(context, input);
      await told(async () => {
        if (input.dryRun) live.tryRemoval(input.id, asking);
        else await live.remove(input.id, asking);
      });
      return true;
    },
  };
}

/** What only shows when it is read: a plan that nobody could follow, an audience that is not there. Throws RefusedError. */
function checkContents(
  command: LiveCommand,
  after: LiveEvent,
  { audiences, clock, limits, status }: ApiContext,
): void {
  if ('plan' in command && after.plan !== null) {
    const schema = status.graphSchema();
    readLivePlan(after.plan, after, { nowMs: clock.now(), lookbackMs: limits.lookbackMs, schema });
  }
  if (!('audience' in command) || after.audience === null) return;
  if (audiences?.get(after.audience)?.state === 'READY') return;
  throw new RefusedError(
    'LIVE_EVENT_INVALID',
    `There is no frozen audience ${after.audience}; \`audiences\` lists those there are.`,
  );
}
