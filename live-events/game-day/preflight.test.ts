import { GraphQLID, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, graphql } from 'graphql';
import { describe, expect, it } from 'vitest';
import { bundledConstants } from './fleet-constants.ts';
import { type PreflightFacts, preflight, preflightPlanDefault } from './preflight.ts';
import { preflightFields } from './preflight-field.ts';

const constants = { ...bundledConstants(), isPlaceholder: false, socketsPerGateway: 19_000, connectsPerSecondPerGateway: 1_000, deliveriesPerSecond: 90_000 }; // biome-ignore format: one row
const nowMs = 1_795_300_000_000;
const hourMs = 3_600_000;
const good: PreflightFacts = {
  nowMs,
  startsAtMs: nowMs + hourMs,
  hasBegun: false,
  members: 100_000,
  prefetched: 97_000,
  gateways: 8,
  socketLimits: [],
  sockets: 40_000,
  serverCores: 4,
};
const plan = preflightPlanDefault;

describe('preflight', () => {
  it('says yes to a plan that can hold, with what it predicts', () => {
    const { holds, checks, prediction, gatewaysNeeded } = preflight(good, plan, constants);
    expect(checks.filter(({ verdict }) => verdict !== 'yes')).toEqual([]);
    expect([holds, gatewaysNeeded, Math.round(prediction?.t100Ms ?? 0)]).toEqual([true, 6, 144]);
  });

  it.each<[string, Partial<PreflightFacts>, Partial<typeof plan>, string]>([
    ['has no time', { startsAtMs: null }, {}, 'schedule: Nobody has said when it goes live'],
    ['should have begun', { startsAtMs: nowMs - 1 }, {}, 'schedule: Its time has come'],
    ['has begun', { hasBegun: true }, {}, 'schedule: It has begun'],
    ['has no audience', { members: null, prefetched: null }, {}, 'audience: It has no audience'],
    ['has nobody in it', { members: 0, prefetched: 0 }, {}, 'audience: Nobody is in its audience'],
    ['has no gateway', { gateways: 0 }, {}, 'reach: No gateway is connected'],
    [
      'has too few sockets',
      { gateways: 5 },
      {},
      'sockets: 5 gateways have room for 95,000 of 100,000 devices: start 1 more',
    ],
    [
      'has gateways that take fewer than they could',
      { gateways: 6, socketLimits: [null, 4_000, 20_000, 19_000, null, null] },
      {},
      'sockets: 6 gateways have room for 99,000 of 100,000 devices: raise their `live.sockets.max`',
    ],
    [
      'has too few gateways, which take fewer than they could',
      { gateways: 5, socketLimits: [10_000, null, null, null, null] },
      {},
      'sockets: 5 gateways have room for 86,000 of 100,000 devices: start 1 more, and raise `live.sockets.max` of those that are there',
    ],
    [
      'has more devices than members',
      {},
      { devicesPerMember: 2 },
      'sockets: 8 gateways have room for 152,000 of 200,000',
    ],
    [
      'is too slow',
      {},
      { t100Ms: 100 },
      'reach: By the model every device is reached after 144 ms, not within 100 ms: 12 gateways',
    ],
    [
      'has no time to connect',
      { startsAtMs: nowMs + 2_000 },
      {},
      'connects: 40,000 devices are connected, and until the start 16,000',
    ],
    [
      'cannot prefetch in time',
      { prefetched: 0, startsAtMs: nowMs + 610_000 },
      {},
      'prefetch: 0.0 % of the audience have prefetched; 95.0 % need 95,000 more',
    ],
  ])('says no to an event that %s', (_name, facts, over, said) => {
    const { holds, checks } = preflight({ ...good, ...facts }, { ...plan, ...over }, constants);
    expect(holds).toBe(false);
    expect(
      checks
        .filter(({ verdict }) => verdict === 'no')
        .map(({ name, sentence }) => `${name}: ${sentence}`)
        .join('\n'),
    ).toContain(said);
  });

  it('promises nothing of what it does not know', () => {
    const unknown = (facts: Partial<PreflightFacts>, costs = constants): readonly string[] => {
      const { holds, checks } = preflight({ ...good, ...facts }, plan, costs);
      expect(holds).toBe(true);
      return checks.flatMap(({ name, verdict }) => (verdict === 'unknown' ? [name] : []));
    };
    expect(unknown({ prefetched: null })).toEqual(['prefetch']);
    expect(unknown({ prefetched: 50_000 })).toEqual(['prefetch']);
    expect(unknown({}, { ...bundledConstants(), isPlaceholder: true })).toEqual(['constants']);
  });
});

describe('preflight in GraphQL', () => {
  const event = new GraphQLObjectType({
    name: 'LiveEvent',
    fields: {
      id: { type: new GraphQLNonNull(GraphQLID) },
      ...preflightFields({ facts: async () => good }, constants),
    },
  });
  const query = new GraphQLObjectType({
    name: 'Query',
    fields: { liveEvent: { type: event, resolve: () => ({ id: 'a' }) } },
  });
  const ask = async (fields: string, grant: unknown = null) =>
    await graphql({ schema: new GraphQLSchema({ query }), source: `{ liveEvent { ${fields} } }`, contextValue: { grant, reads: { take: () => undefined } } }); // biome-ignore format: one row

  it('answers with its checks', async () => {
    const { data, errors } = await ask(
      'preflight { holds gatewaysNeeded checks { name verdict } prediction { socketsPerGateway } }',
    );
    expect(errors).toBeUndefined();
    expect(JSON.parse(JSON.stringify(data))).toMatchObject({
      liveEvent: { preflight: { holds: true, gatewaysNeeded: 6, prediction: { socketsPerGateway: 12_500 } } },
    });
  });

  it.each(['devicesPerMember: 0', 't100Ms: 0', 'prefetchShareMin: 2'])('refuses %s', async (argument) => {
    const { errors } = await ask(`preflight(${argument}) { holds }`);
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });

  it('tells nothing to a caller from whom a policy hides anything', async () => {
    const { errors } = await ask('preflight { holds }', { seesEverything: false });
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });
});
