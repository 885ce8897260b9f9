import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLFieldConfig,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import type { ApiContext } from '../api-context.ts';
import { stepAnswer } from '../journey-field.ts';
import { stepType } from '../journey-type.ts';
import { readNodeRef } from '../node-arguments.ts';
import { nodeRefInput } from '../node-type.ts';
import { needsSocket } from './live-errors.ts';
import { type StepEvent, StepSubscription } from './step-subscription.ts';

const recoveryType = new GraphQLEnumType({
  name: 'JourneyStepsRecovery',
  description: 'Why steps may be missing that came late, with an earlier event time than others before them.',
  values: {
    PLACE_ONLY: {
      value: 'place-only',
      description:
        "The cursor names a time only: it is of a journey's page, or of a step that was caught up on.",
    },
    OTHER_PROCESS: {
      value: 'other-process',
      description:
        'The cursor is of another process, of this one before it started again, or of another graph that was live before.',
    },
    TOO_LONG_AGO: { value: 'too-long-ago', description: 'Not everything since the cursor is held any more.' },
    MANY_WRITERS: {
      value: 'many-writers',
      description: 'Other processes write to the graph; the store is looked at now and then.',
    },
  },
});

const stepEventType = new GraphQLObjectType<StepEvent>({
  name: 'JourneyStepEvent',
  description: 'A step that was applied, or the word that the subscription is in place.',
  fields: {
    cursor: { type: new GraphQLNonNull(GraphQLString), description: 'Pass as `after` to go on from here.' },
    step: {
      type: stepType,
      description: 'Null in the first message: whatever is applied from then on comes.',
      resolve: ({ step }) => (step === null ? null : stepAnswer(step)),
    },
    recovered: {
      type: GraphQLBoolean,
      description:
        'In the first message after a cursor: true when every step since it comes, late ones included.',
    },
    reason: { type: recoveryType, description: 'Why not, when it is false.' },
  },
});

interface StepsArguments {
  readonly of: { readonly type: string; readonly id: string };
  readonly after?: string | null;
}

/** `journeySteps(of, after)`: one small read of the store for each step that is delivered. */
export const journeyStepsField: GraphQLFieldConfig<unknown, ApiContext, StepsArguments> = {
  type: new GraphQLNonNull(stepEventType),
  description: "A member's steps as they are applied, in that order, whatever their event time.",
  args: {
    of: { type: new GraphQLNonNull(nodeRefInput), description: "The steps' owner." },
    after: { type: GraphQLString, description: 'A cursor of an earlier message, or of a page of a journey.' },
  },
  subscribe: (_source, { of, after }, context, { operation }): StepSubscription => {
    const { live, readerOfEvents, limits, clock, run } = context;
    if (live === undefined) throw needsSocket();
    run.operationName = operation.name?.value ?? null;
    const owner = readNodeRef('of.type', 'of.id', of.type, of.id);
    const cursor = after == null ? null : live.cursors.read('after', after);
    return new StepSubscription(owner, cursor, {
      ...live,
      reader: readerOfEvents,
      limits,
      live: live.limits,
      clock,
    });
  },
  resolve: (event): unknown => {
    // Over HTTP, where it would be executed like a query.
    if (event === undefined) throw needsSocket();
    return event;
  },
  extensions: { cost: () => ({ own: { calls: 1, rows: 1 }, objects: 1, cheaper: [] }) },
};
