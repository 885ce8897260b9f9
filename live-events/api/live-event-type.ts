import {
  defaultFieldResolver,
  GraphQLEnumType,
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import type { Broadcast } from '../../device/index.ts';
import {
  type ApiContext,
  badInput,
  bigIntScalar,
  dateTimeScalar,
  type FieldCost,
  told,
} from '../../query-api/index.ts';
import { broadcastOf, type LiveEvent, type Removal, type Stage, type StageKind } from '../live-event.ts';
import type { PastEntry } from '../state/live-journal.ts';
import type { LiveService } from '../state/live-service.ts';
import { checkScope, readScope } from './live-access.ts';

const text = new GraphQLNonNull(GraphQLString);
const count = new GraphQLNonNull(GraphQLInt);
const time = new GraphQLNonNull(dateTimeScalar);

const journalDefault = 20;
const journalMax = 100;

const kindValues = {
  ANNOUNCED: { value: 'announced', description: 'It is known of, and nothing has begun.' },
  LOBBY: { value: 'lobby', description: 'Who comes now waits for the beginning.' },
  LIVE: { value: 'live', description: 'It is on.' },
  CUSTOM: { value: 'custom', description: "The event's own, such as a round or half-time." },
  ENDED: { value: 'ended', description: 'It is over.' },
  REPLAY: { value: 'replay', description: 'It can be seen again.' },
} as const;

const scheduledKindType = new GraphQLEnumType({ name: 'LiveScheduledKind', values: kindValues });

const kindType = new GraphQLEnumType({
  name: 'LiveStageKind',
  values: {
    ...kindValues,
    CANCELLED: { value: 'cancelled', description: 'It was called off; nothing follows.' },
  },
});

const stageType = new GraphQLObjectType<Stage, ApiContext>({
  name: 'LiveStage',
  fields: {
    key: { type: text },
    kind: { type: new GraphQLNonNull(kindType) },
    startsAt: {
      type: dateTimeScalar,
      description: 'Null: it is entered by hand, and the clock goes no further before that.',
      resolve: ({ startsAtMs }) => startsAtMs,
    },
  },
});

interface CurrentStage {
  readonly key: string;
  readonly kind: StageKind;
  readonly at: number;
}

const currentStageType = new GraphQLObjectType<CurrentStage, ApiContext>({
  name: 'LiveCurrentStage',
  fields: {
    key: { type: text, description: '`cancelled` when it was called off.' },
    kind: { type: new GraphQLNonNull(kindType) },
    at: {
      type: time,
      description: 'It holds from then; where the clock entered it, the time in the schedule.',
    },
  },
});

const broadcastType = new GraphQLObjectType<Broadcast, ApiContext>({
  name: 'LiveBroadcast',
  description: 'What devices are told.',
  fields: {
    stage: { type: text },
    version: { type: count },
    sequence: { type: count },
    epoch: { type: new GraphQLNonNull(bigIntScalar) },
    at: { type: time },
  },
});

const actor = {
  type: text,
  description: '`operator`, `local`, `clock`, or `token:` and the subject of a token.',
};

const entryType = new GraphQLObjectType<PastEntry, ApiContext>({
  name: 'LiveJournalEntry',
  fields: {
    time: { type: time, resolve: ({ timeMs }) => timeMs },
    sequence: { type: count },
    actor,
    command: { type: text },
    reason: { type: GraphQLString },
    stage: { type: text, description: 'That held afterwards.', resolve: ({ after }) => after.stage },
    version: {
      type: count,
      description: 'Of the schedule afterwards.',
      resolve: ({ after }) => after.version,
    },
  },
});

export const removalType = new GraphQLObjectType<Removal, ApiContext>({
  name: 'LiveEventRemoval',
  fields: {
    id: { type: new GraphQLNonNull(GraphQLID), resolve: ({ event }) => event },
    title: { type: text },
    stage: { type: text, description: 'That it had come to.' },
    time: { type: time, resolve: ({ timeMs }) => timeMs },
    actor,
    reason: { type: GraphQLString },
  },
});

const journalCost: FieldCost<{ readonly last: number }> = ({ last }) => ({
  own: { calls: 1, rows: last },
  objects: last,
  cheaper: [{ argument: 'last', value: last, least: 1 }],
});

export const stageInput = new GraphQLInputObjectType({
  name: 'LiveStageInput',
  fields: {
    key: { type: text, description: '1 to 64 letters, digits, dots, hyphens or underscores; unique.' },
    kind: { type: new GraphQLNonNull(scheduledKindType) },
    startsAt: { type: dateTimeScalar, description: 'Left out: entered by hand. In the past: now.' },
  },
});

export const moveInput = new GraphQLInputObjectType({
  name: 'LiveStageMove',
  fields: {
    key: { type: text, description: 'Of a stage that is still to come.' },
    startsAt: { type: dateTimeScalar, description: 'Null: by hand from now on. In the past: now.' },
  },
});

/** What a token of a device sees of an event; all else is for the scope `live.read`. */
const fieldsOfDevices: ReadonlySet<string> = new Set([
  ...['id', 'title', 'stages', 'currentStage', 'version', 'epoch', 'sequence', 'lastBroadcast'],
  ...['prefetch', 'connection'],
]);

function guarded(
  fields: GraphQLFieldConfigMap<LiveEvent, ApiContext>,
): GraphQLFieldConfigMap<LiveEvent, ApiContext> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      if (fieldsOfDevices.has(name)) return [name, field];
      const resolve = field.resolve ?? defaultFieldResolver;
      return [
        name,
        {
          ...field,
          resolve: (event, input, context, info) => {
            checkScope(name, readScope, context);
            return resolve(event, input, context, info);
          },
        },
      ];
    }),
  );
}

/** With fields of other parts. */
export function createLiveEventType(
  live: LiveService,
  extraEventFields: GraphQLFieldConfigMap<LiveEvent, ApiContext>,
): GraphQLObjectType<LiveEvent, ApiContext> {
  return new GraphQLObjectType<LiveEvent, ApiContext>({
    name: 'LiveEvent',
    description: 'Something that happens once for an audience, in stages.',
    fields: guarded({
      id: { type: new GraphQLNonNull(GraphQLID) },
      title: { type: text },
      stages: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(stageType))) },
      currentStage: {
        type: new GraphQLNonNull(currentStageType),
        resolve: ({ stage: key, stageKind: kind, at }) => ({ key, kind, at }),
      },
      version: {
        type: count,
        description: 'Of the schedule and of what is shown: counts what changed them.',
      },
      epoch: { type: new GraphQLNonNull(bigIntScalar), description: 'Which life of the journal this is.' },
      sequence: { type: count, description: 'Of the newest change within the epoch.' },
      createdAt: { type: time, resolve: ({ createdMs }) => createdMs },
      audience: { type: GraphQLID },
      plan: { type: GraphQLString },
      lastBroadcast: { type: new GraphQLNonNull(broadcastType), resolve: (event) => broadcastOf(event) },
      journal: {
        type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(entryType))),
        description: 'Who did what, newest first.',
        extensions: { cost: journalCost },
        args: { last: { type: count, defaultValue: journalDefault, description: `At most ${journalMax}.` } },
        resolve: async ({ id }, { last }: { readonly last: number }, context) => {
          if (last < 1 || last > journalMax) throw badInput('last', `1 to ${journalMax}`);
          context.reads.take();
          return await told(() => live.history(id, last));
        },
      },
      ...extraEventFields,
    }),
  });
}
