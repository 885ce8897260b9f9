import { GraphQLString } from 'graphql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLog } from '../../foundation/index.ts';
import { startTestApi, type TestApiOptions } from '../../query-api/api-testing.ts';
import { callerWith, policyFrom } from '../../query-api/policy/policy-testing.ts';
import { testPlan, testSegment } from '../stage-maps/plan-testing.ts';
import { FakeLiveJournal } from '../state/live-journal.fake.ts';
import { LiveService, liveServiceLimitsDefault } from '../state/live-service.ts';
import { minuteMs, startMs } from '../state/live-testing.ts';
import { createLiveFields } from './live-fields.ts';

interface Answer {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly extensions: { readonly code: string }; readonly message: string }[];
}
type Ask = (query: string, token?: string) => Promise<Answer>;

const clock = { now: () => startMs, sleep: async () => undefined };

async function start(
  options: TestApiOptions = {},
): Promise<{ readonly ask: Ask; readonly live: LiveService }> {
  const live = new LiveService({
    journal: new FakeLiveJournal(),
    clock,
    log: silentLog,
    limits: liveServiceLimitsDefault,
  });
  const fields = createLiveFields({
    live,
    extraEventFields: { shout: { type: GraphQLString, resolve: ({ title }) => title.toUpperCase() } },
  });
  const server = await startTestApi({
    extension: { ...fields, routes: [], sockets: [], metrics: [] },
    ...options,
  });
  onTestFinished(() => server.close());
  const ask: Ask = async (query, token) => {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    const body = JSON.stringify({ query });
    const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body });
    const answer: Answer = JSON.parse(await response.text());
    return answer;
  };
  return { ask, live };
}

const iso = (minutes: number): string => new Date(startMs + minutes * minuteMs).toISOString();
const stages = `stages: [
  { key: "lobby", kind: LOBBY, startsAt: "${iso(30)}" }
  { key: "live", kind: LIVE, startsAt: "${iso(60)}" }
  { key: "ended", kind: ENDED, startsAt: "${iso(90)}" }]`;
const create = (id: string, more = ''): string =>
  `mutation { createLiveEvent(id: "${id}", title: "The fight", ${stages}, ${more}) { id version } }`;

describe('Live events in GraphQL', () => {
  it('are made, moved, advanced, ended, cancelled, listed and deleted, and the journal says by whom', async () => {
    const { ask } = await start();
    expect(await ask(create('f', 'reason: "the season begins"'))).toEqual({
      data: { createLiveEvent: { id: 'f', version: 1 } },
    });
    await ask(create('g'));
    const moved = await ask(`mutation { rescheduleLiveEvent(id: "f", expectedVersion: 1, following: true,
      moves: [{ key: "live", startsAt: "${iso(65)}" }]) { version stages { key startsAt } } }`);
    expect(moved.data?.rescheduleLiveEvent).toEqual({
      version: 2,
      stages: [
        { key: 'announced', startsAt: '2026-11-21T20:00:00.000Z' },
        { key: 'lobby', startsAt: '2026-11-21T20:30:00.000Z' },
        { key: 'live', startsAt: '2026-11-21T21:05:00.000Z' },
        { key: 'ended', startsAt: '2026-11-21T21:35:00.000Z' },
      ],
    });
    expect(
      await ask('mutation { rescheduleLiveEvent(id: "f", moves: [{ key: "live" }]) { version } }'),
    ).toMatchObject({ data: { rescheduleLiveEvent: { version: 3 } } });
    await ask('mutation { advanceLiveEvent(id: "f", from: "announced") { id } }');
    await ask('mutation { endLiveEvent(id: "f", reason: "knock-out") { id } }');
    await ask('mutation { cancelLiveEvent(id: "g") { id } }');
    const shown =
      await ask(`{ liveEvent(id: "f") { id title shout version epoch sequence audience plan createdAt
      currentStage { key kind at } lastBroadcast { stage version sequence epoch at }
      journal(last: 2) { time sequence actor command reason stage version } } }`);
    expect(shown).toEqual({
      data: {
        liveEvent: {
          id: 'f',
          title: 'The fight',
          shout: 'THE FIGHT',
          version: 3,
          epoch: 1000,
          sequence: 5,
          audience: null,
          plan: null,
          createdAt: iso(0),
          currentStage: { key: 'ended', kind: 'ENDED', at: iso(0) },
          lastBroadcast: { stage: 'ended', version: 3, sequence: 5, epoch: 1000, at: iso(0) },
          journal: [
            {
              time: iso(0),
              sequence: 5,
              actor: 'local',
              command: 'end',
              reason: 'knock-out',
              stage: 'ended',
              version: 3,
            },
            {
              time: iso(0),
              sequence: 4,
              actor: 'local',
              command: 'advance',
              reason: null,
              stage: 'lobby',
              version: 3,
            },
          ],
        },
      },
    });
    const list = '{ liveEvents(first: 1) { id } more: liveEvents(after: "f") { id currentStage { kind } } }';
    expect((await ask(list)).data).toEqual({
      liveEvents: [{ id: 'f' }],
      more: [{ id: 'g', currentStage: { kind: 'CANCELLED' } }],
    });
    const remove = (more = ''): string =>
      `mutation { deleteLiveEvent(id: "f", reason: "a rehearsal"${more}) }`;
    expect((await ask(remove(', dryRun: true'))).data).toEqual({ deleteLiveEvent: true });
    expect((await ask(remove(', expectedVersion: 9'))).errors?.[0]?.extensions?.code).toBe(
      'LIVE_VERSION_STALE',
    );
    expect((await ask(remove())).data).toEqual({ deleteLiveEvent: true });
    expect((await ask(remove())).data).toEqual({ deleteLiveEvent: false });
    expect((await ask('{ liveEvent(id: "f") { id } }')).data).toEqual({ liveEvent: null });
    expect((await ask('{ removedLiveEvents { id title stage time actor reason } }')).data).toEqual({
      removedLiveEvents: [
        { id: 'f', title: 'The fight', stage: 'ended', time: iso(0), actor: 'local', reason: 'a rehearsal' },
      ],
    });
  });

  it('say what would come of a command and change nothing', async () => {
    const { ask, live } = await start();
    const tried = await ask(create('f', 'dryRun: true'));
    expect(tried.data).toEqual({ createLiveEvent: { id: 'f', version: 1 } });
    expect(live.list()).toEqual([]);
  });

  it.each([
    ['mutation { endLiveEvent(id: "nope") { id } }', 'LIVE_EVENT_UNKNOWN'],
    [create('f'), 'LIVE_EVENT_EXISTS'],
    [create('no/id'), 'LIVE_EVENT_INVALID'],
    ['mutation { createLiveEvent(id: "g", title: "x", stages: []) { id } }', 'LIVE_SCHEDULE_INVALID'],
    ['mutation { advanceLiveEvent(id: "f", to: "nope") { id } }', 'LIVE_TRANSITION_REFUSED'],
    ['mutation { endLiveEvent(id: "f", expectedVersion: 7) { id } }', 'LIVE_VERSION_STALE'],
    ['mutation { setLivePlan(id: "f", plan: "{}") { id } }', 'LIVE_PLAN_INVALID'],
    [create('g', 'plan: "nonsense"'), 'LIVE_PLAN_INVALID'],
    ['mutation { setLiveAudience(id: "f", audience: "nope") { id } }', 'LIVE_EVENT_INVALID'],
    ['{ liveEvents(first: 101) { id } }', 'BAD_USER_INPUT'],
    ['{ liveEvents(after: "nope") { id } }', 'BAD_USER_INPUT'],
    ['{ liveEvent(id: "f") { journal(last: 0) { time } } }', 'BAD_USER_INPUT'],
  ])('refuse %s with %s', async (query, code) => {
    const { ask, live } = await start();
    await ask(create('f'));
    expect((await ask(query)).errors?.map(({ extensions }) => extensions.code)).toEqual([code]);
    expect(live.list().map(({ sequence }) => sequence)).toEqual([1]);
  });

  it('take a plan that can be followed', async () => {
    const { ask, live } = await start();
    await ask(create('f'));
    const plan = testPlan([testSegment({ key: 'everybody' })]);
    const set = await ask(`mutation { setLivePlan(id: "f", plan: ${JSON.stringify(plan)}) { version } }`);
    expect(set).toEqual({ data: { setLivePlan: { version: 2 } } });
    expect(live.get('f')?.plan).toBe(plan);
  });

  it('want a scope of a token for each side, and what a policy allows beside it', async () => {
    const verify = async (scope: string) => ({
      kind: 'caller' as const,
      caller: callerWith(scope.split(',')),
    });
    const policy = policyFrom(
      [
        'version: 1',
        'scopes:',
        '  live.write: { operations: [createLiveEvent] }',
        '  live.read: { operations: [liveEvents] }',
        '  other: { operations: [createLiveEvent, liveEvents] }',
      ].join('\n'),
    );
    for (const access of [
      { jwt: { verify }, policy: null },
      { jwt: { verify }, policy },
    ]) {
      const { ask } = await start({ access });
      const codes = async (query: string, token: string): Promise<unknown> =>
        (await ask(query, token)).errors?.map(({ extensions }) => extensions.code) ?? 'taken';
      expect(await codes(create('f'), 'live.read')).toEqual(['FORBIDDEN']);
      expect(await codes(create('f'), 'other')).toEqual(['FORBIDDEN']);
      expect(await codes(create('f'), 'live.write')).toBe('taken');
      expect(await codes('{ liveEvents { id } }', 'live.write')).toEqual(['FORBIDDEN']);
      expect(await codes('{ liveEvents { id } }', 'other')).toEqual(['FORBIDDEN']);
      const read = await ask('{ liveEvents { journal { actor } } }', 'live.read,other');
      expect(read.data).toEqual({ liveEvents: [{ journal: [{ actor: 'token:service-a' }] }] });
      if (access.policy === null) {
        expect(await codes('{ liveEvent(id: "f") { currentStage { key } version } }', 'live.device')).toBe(
          'taken',
        );
        for (const field of ['journal { actor }', 'plan', 'audience'])
          expect(await codes(`{ liveEvent(id: "f") { ${field} } }`, 'live.device')).toEqual(['FORBIDDEN']);
        expect(await codes('{ liveEvents { id } }', 'live.device')).toEqual(['FORBIDDEN']);
        continue;
      }
      expect(await codes('mutation { endLiveEvent(id: "f") { id } }', 'live.write')).toEqual(['FORBIDDEN']);
    }
  });

  it('name the operator in the journal', async () => {
    const { ask, live } = await start({ gate: { token: 'secret' } });
    await ask(create('f'), 'secret');
    expect((await live.history('f', 1))[0]?.actor).toBe('operator');
  });
});
