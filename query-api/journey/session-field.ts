import {
  GraphQLBoolean,
  type GraphQLFieldConfig,
  GraphQLID,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import type { ApiContext } from '../api-context.ts';
import { badInput } from '../api-error.ts';
import { dateTimeScalar } from '../scalars.ts';
import { defaultDeviceType, readDeviceType } from './device-type.ts';
import { durationScalar } from './duration-scalar.ts';
import type { JourneyView } from './journey-view.ts';
import { inOrder, oldestFirst } from './journey-view.ts';
import { type Session, sessionsOf } from './sessions.ts';

const gapDefaultMs = 30 * 60_000;
const gapMsMax = 366 * 86_400_000;

const flag = new GraphQLNonNull(GraphQLBoolean);

const sessionType = new GraphQLObjectType<Session>({
  name: 'JourneySession',
  description: 'Steps with no longer pause between them than the gap.',
  fields: {
    start: {
      type: new GraphQLNonNull(dateTimeScalar),
      description: 'Event time of its first step.',
      resolve: ({ startMs }) => startMs,
    },
    end: {
      type: new GraphQLNonNull(dateTimeScalar),
      description: 'Event time of its last step.',
      resolve: ({ endMs }) => endMs,
    },
    steps: { type: new GraphQLNonNull(GraphQLInt), description: 'How many, repeats included.' },
    domains: {
      type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(GraphQLString))),
      description: 'Each once, in the order in which they came up.',
    },
    devices: {
      type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(GraphQLID))),
      description:
        'Ids of the linked nodes of the device type, each once, in the order in which they came up.',
    },
    mayBeginEarlier: {
      type: flag,
      description: 'True when a step that the page does not hold may belong to it, before its start.',
    },
    mayEndLater: {
      type: flag,
      description: 'The same behind its end; also while the gap since its last step has not passed.',
    },
  },
});

interface SessionsArguments {
  readonly gap: number;
  readonly deviceType?: string | null;
}

/** `sessions(gap, deviceType)` of a journey's page: worked out from its steps, without another read. */
export const sessionsField: GraphQLFieldConfig<
  { readonly view: JourneyView },
  ApiContext,
  SessionsArguments
> = {
  type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(sessionType))),
  description:
    "The page's steps by session, in the order of the page. They are those before repeats are folded.",
  args: {
    gap: {
      type: new GraphQLNonNull(durationScalar),
      defaultValue: gapDefaultMs,
      description: 'A longer pause between two steps ends a session.',
    },
    deviceType: {
      type: GraphQLString,
      description: `Which node type the devices are of; \`${defaultDeviceType}\` when none is named.`,
    },
  },
  resolve: ({ view }, { gap, deviceType }): readonly Session[] => {
    if (gap < 1 || gap > gapMsMax) throw badInput('gap', '1 ms to 366 days');
    const type = readDeviceType('deviceType', deviceType ?? defaultDeviceType);
    return inOrder(sessionsOf(oldestFirst(view), gap, type, view.bounds), view.order);
  },
};
