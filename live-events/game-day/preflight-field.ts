import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLFieldConfigMap,
  GraphQLFloat,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import { type ApiContext, badInput, forbidden } from '../../query-api/index.ts';
import type { LiveEvent } from '../live-event.ts';
import type { FleetConstants } from './fleet-constants.ts';
import {
  type Preflight,
  type PreflightCheck,
  type PreflightFacts,
  preflight,
  preflightPlanDefault,
} from './preflight.ts';

/** Who knows the audience, its prefetches and the gateways. */
export interface PreflightSource {
  facts(event: LiveEvent): Promise<PreflightFacts>;
}

const truth = new GraphQLNonNull(GraphQLBoolean);
const text = new GraphQLNonNull(GraphQLString);
const number = new GraphQLNonNull(GraphQLFloat);
const dayMs = 86_400_000;

const verdictType = new GraphQLEnumType({
  name: 'LivePreflightVerdict',
  values: { YES: { value: 'yes' }, NO: { value: 'no' }, UNKNOWN: { value: 'unknown' } },
});

const checkType = new GraphQLObjectType<PreflightCheck>({
  name: 'LivePreflightCheck',
  fields: {
    name: { type: text },
    verdict: { type: new GraphQLNonNull(verdictType) },
    sentence: { type: text, description: 'Why, and where it is no, what to do.' },
  },
});

const predictionType = new GraphQLObjectType<NonNullable<Preflight['prediction']>>({
  name: 'LivePreflightPrediction',
  description: 'Of a broadcast to the whole audience, evenly over the gateways that are there.',
  fields: {
    socketsPerGateway: { type: new GraphQLNonNull(GraphQLInt) },
    t50Ms: { type: number },
    t99Ms: { type: number },
    t100Ms: { type: number },
    cpuSeconds: { type: number },
  },
});

const preflightType = new GraphQLObjectType<Preflight>({
  name: 'LivePreflight',
  description: 'Whether the plan of an event can hold, by the model of the fleet.',
  fields: {
    holds: { type: truth, description: 'No check says NO.' },
    checks: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(checkType))) },
    prediction: { type: predictionType },
    gatewaysNeeded: { type: GraphQLInt },
    gatewayMemoryBytes: { type: GraphQLFloat, description: 'Of each gateway, for sockets alone.' },
  },
});

interface PreflightArguments {
  readonly devicesPerMember: number;
  readonly t100Ms: number;
  readonly prefetchShareMin: number;
}

/** Fields of a live event. FORBIDDEN to a caller from whom a policy hides anything: the audience is counted over everybody. */
export function preflightFields(
  source: PreflightSource,
  constants: FleetConstants,
): GraphQLFieldConfigMap<LiveEvent, ApiContext> {
  const { devicesPerMember, t100Ms, prefetchShareMin } = preflightPlanDefault;
  return {
    preflight: {
      type: new GraphQLNonNull(preflightType),
      description: 'Can it hold? Asks nobody outside and changes nothing.',
      extensions: { cost: () => ({ own: { calls: 1, rows: 1 }, objects: 1, cheaper: [] }) },
      args: {
        devicesPerMember: { type: number, defaultValue: devicesPerMember, description: 'Above 0 to 100.' },
        t100Ms: { type: new GraphQLNonNull(GraphQLInt), defaultValue: t100Ms, description: 'Every device is to have a stage within it.' }, // biome-ignore format: one row
        prefetchShareMin: { type: number, defaultValue: prefetchShareMin, description: '0 to 1.' },
      },
      resolve: async (event, given: PreflightArguments, context) => {
        if (context.grant !== null && !context.grant.seesEverything) throw forbidden('preflight');
        check(
          'devicesPerMember',
          given.devicesPerMember > 0 && given.devicesPerMember <= 100,
          'above 0 to 100',
        );
        check('t100Ms', given.t100Ms >= 1 && given.t100Ms <= dayMs, `1 to ${dayMs}`);
        check('prefetchShareMin', given.prefetchShareMin >= 0 && given.prefetchShareMin <= 1, '0 to 1');
        context.reads.take();
        return preflight(await source.facts(event), { ...preflightPlanDefault, ...given }, constants);
      },
    },
  };
}

function check(argument: string, fits: boolean, wanted: string): void {
  if (!fits) throw badInput(argument, wanted);
}
