import {
  type GraphQLFieldConfig,
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
} from 'graphql';
import {
  type ApiContext,
  badInput,
  type FieldCost,
  type SchemaExtension,
  told,
} from '../../query-api/index.ts';
import type { LiveEvent, Removal } from '../live-event.ts';
import type { LiveService } from '../state/live-service.ts';
import { checkScope, deviceScope, everyDeviceScope, readScope } from './live-access.ts';
import { createLiveEventType, removalType } from './live-event-type.ts';
import { liveMutations } from './live-mutations.ts';

export interface LiveFieldsParts {
  readonly live: LiveService;
  /** What other parts say of an event. */
  readonly extraEventFields: GraphQLFieldConfigMap<LiveEvent, ApiContext>;
}

const listDefault = 50;
const listMax = 100;

const firstArgument = {
  type: new GraphQLNonNull(GraphQLInt),
  defaultValue: listDefault,
  description: `At most ${listMax}.`,
};

/** They are in memory; what is selected of each may not be. */
const listCost: FieldCost<{ readonly first: number }> = ({ first }) => ({
  own: { calls: 1, rows: first },
  objects: first,
  cheaper: [{ argument: 'first', value: first, least: 1 }],
});

/** Live events in GraphQL, of the process that owns their journal. Tokens need the scope `live.read` or `live.write`; those of devices see what a device needs of one event. */
export function createLiveFields({ live, extraEventFields }: LiveFieldsParts): SchemaExtension {
  const eventType = createLiveEventType(live, extraEventFields);
  return {
    query: {
      liveEvent: {
        type: eventType,
        description: 'One live event; null when there is none of that id.',
        args: { id: { type: new GraphQLNonNull(GraphQLID) } },
        resolve: (_source, { id }: { readonly id: string }, context) => {
          checkScope('liveEvent', [readScope, deviceScope, everyDeviceScope], context);
          return live.get(id);
        },
      },
      liveEvents: {
        type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(eventType))),
        description: 'Newest first.',
        extensions: { cost: listCost },
        args: {
          first: firstArgument,
          after: { type: GraphQLID, description: 'Those that come behind this one.' },
        },
        resolve: (_source, { first, after }: { first: number; after?: string | null }, context) => {
          checkScope('liveEvents', readScope, context);
          if (first < 1 || first > listMax) throw badInput('first', `1 to ${listMax}`);
          const all = live.list();
          const from = after == null ? 0 : all.findIndex(({ id }) => id === after) + 1;
          if (after != null && from === 0) throw badInput('after', 'the id of an event that is there');
          return all.slice(from, from + first);
        },
      },
      removedLiveEvents: removedField(live),
    },
    mutation: liveMutations({ live, eventType }),
  };
}

function removedField(live: LiveService): GraphQLFieldConfig<unknown, ApiContext> {
  return {
    type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(removalType))),
    description: 'Who removed which event, newest first.',
    extensions: { cost: listCost },
    args: { first: firstArgument },
    resolve: async (_source, { first }: { readonly first: number }, context): Promise<readonly Removal[]> => {
      checkScope('removedLiveEvents', readScope, context);
      if (first < 1 || first > listMax) throw badInput('first', `1 to ${listMax}`);
      context.reads.take();
      return await told(() => live.removals(first));
    },
  };
}
