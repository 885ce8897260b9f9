import { type GraphQLFieldConfigMap, GraphQLID, GraphQLNonNull, GraphQLObjectType } from 'graphql';
import { type Random, silentLog } from '../../foundation/index.ts';
import { startTestApi } from '../../query-api/api-testing.ts';
import type { ApiContext, ApiServer } from '../../query-api/index.ts';
import type { LiveEvent } from '../live-event.ts';
import { testPlan, testSegment, watchedWhere } from '../stage-maps/plan-testing.ts';
import { TestMaps } from '../stage-maps/stage-maps-testing.ts';
import { Prefetches, type PrefetchLimits, type PrefetchParts, prefetchLimitsDefault } from './prefetch.ts';
import { prefetchFields, prefetchMutations } from './prefetch-fields.ts';
import { prefetchRoute } from './prefetch-route.ts';

const fans = testSegment({ key: 'fans', where: watchedWhere('t1') });
const rest = testSegment({ key: 'rest' });
export const fansPlan = testPlan([fans, rest]);
export const closedPlan = testPlan([fans, rest], { outsiders: 'refuse' });

/** Four accounts of whom `a` is a fan, and their stage maps. */
export async function openFans(plan = fansPlan): Promise<TestMaps> {
  const test = await TestMaps.open();
  await test.accounts('a', 'b', 'c', 'd');
  await test.watched('a', 't1');
  await test.planned(plan);
  await (await test.start()).turn();
  return test;
}

/** As it is while the process starts. */
export function createPrefetches(
  test: TestMaps,
  limits: Partial<PrefetchLimits> = {},
  random: Random = () => 0,
  store: PrefetchParts['store'] = test.store,
): Prefetches {
  return new Prefetches(
    {
      events: test.events,
      maps: test.maps,
      segments: test.audiences.audiences.segments,
      store,
      clock: test.clock,
      random,
      log: silentLog,
    },
    { ...prefetchLimitsDefault, ...limits },
  );
}

export async function openPrefetches(...made: Parameters<typeof createPrefetches>): Promise<Prefetches> {
  const prefetches = createPrefetches(...made);
  await prefetches.open();
  return prefetches;
}

/** A real server that answers as the composition's would, with a root field that gives an event. */
export async function startPrefetchApi(test: TestMaps, prefetches: Prefetches): Promise<ApiServer> {
  const { segments } = test.audiences.audiences;
  const { maps, events, clock } = test;
  const parts = {
    prefetches,
    maps,
    segments,
    authorizeCommand: () => undefined,
    signToken: async (claims: object) => `signed ${JSON.stringify(claims)}`,
    socketUrl: (event: string) => `wss://live.example/live/socket?event=${event}`,
    tokenMs: 60_000,
    random: () => 0.5,
    clock,
  };
  const type = new GraphQLObjectType<LiveEvent, ApiContext>({
    name: 'LiveEvent',
    fields: { id: { type: new GraphQLNonNull(GraphQLID) }, ...prefetchFields(parts) },
  });
  const query: GraphQLFieldConfigMap<unknown, ApiContext> = {
    liveEvent: {
      type,
      args: { id: { type: new GraphQLNonNull(GraphQLID) } },
      resolve: (_source, { id }: { readonly id: string }) => events.get(id),
    },
  };
  const routes = [prefetchRoute({ prefetches, random: () => 0 })];
  const extension = { query, mutation: prefetchMutations(parts), routes, sockets: [], metrics: [] };
  return await startTestApi({ reader: test.graph, extension });
}
