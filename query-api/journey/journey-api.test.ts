import { describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import {
  createMemoryStore,
  type EventMutations,
  type GraphReader,
  type StepLink,
} from '../../graph-store/index.ts';
import { ask, createWriter, startTestApi } from '../api-testing.ts';

const nowMs = Date.UTC(2026, 0, 1);
const clock = { ...systemClock, now: () => nowMs };
const minuteMs = 60_000;

function event(minute: number, domain: string, action: string, device: string): EventMutations {
  const used: StepLink = { edge: 'USED', direction: 'out', node: { type: 'Device', id: device } };
  const title: StepLink = { edge: 'WATCHED', direction: 'out', node: { type: 'Title', id: 't' } };
  const links = action === 'watched' ? [title, used] : [used];
  const owner = { type: 'Account', id: 'a' };
  const timeMs = nowMs - 600 * minuteMs + minute * minuteMs;
  const step = { kind: 'step', owner, domain, action, links, properties: [] } as const;
  return { timeMs, rank: 0, occurrence: BigInt(minute + 1), mutations: [step] };
}

const events = [
  event(0, 'streaming', 'watched', 'tv'),
  event(10, 'streaming', 'watched', 'tv'),
  event(15, 'streaming', 'watched', 'phone'),
  event(100, 'games', 'played', 'phone'),
];

async function journey(
  selection: string,
  args = '',
): Promise<{
  readonly answer: { data: { journey: unknown } | null; errors?: unknown };
  readonly calls: number;
}> {
  const store = createMemoryStore(systemClock);
  await (await createWriter(store))(events);
  let calls = 0;
  const reader: GraphReader = {
    ...storeOf(store),
    journey: (query) => {
      calls += 1;
      return store.journey(query);
    },
  };
  const graphSchema = () => ({
    nodeTypes: [{ name: 'Device', idKind: 'TEXT', properties: [], declaredBy: [] } as never],
    edgeTypes: [],
    domains: [],
  });
  const server = await startTestApi({
    clock,
    reader,
    ...(args.includes('noDevice') ? {} : { status: { graphSchema } }),
  });
  try {
    const query = `{ journey(of: {type: "Account", id: "a"} ${args.replace('noDevice', '')}) { ${selection} } }`;
    return { answer: JSON.parse((await ask(server, query)).text), calls };
  } finally {
    await server.close();
  }
}

function storeOf(store: GraphReader): GraphReader {
  const unused = async (): Promise<never> => {
    throw new Error('only journeys are read');
  };
  return {
    node: unused,
    nodes: unused,
    bulk: { scan: unused, farEnds: unused, properties: unused },
    adjacency: unused,
    adjacencies: unused,
    degree: unused,
    edge: unused,
    journey: (query) => store.journey(query),
    sources: () => store.sources(),
    estimate: () => store.estimate(),
  };
}

describe('A journey over GraphQL', () => {
  it('gives sessions, transitions and folded repeats with one read of the store', async () => {
    const { answer, calls } = await journey(
      `edges { node { time action } repeats { count first last } }
       sessions(gap: "PT30M") { start end steps domains devices mayBeginEarlier mayEndLater }
       devices: transitions(of: DEVICE) { from to afterMs }
       domains: transitions(of: DOMAIN) { from to time }`,
      'foldRepeats: true',
    );
    expect(calls).toBe(1);
    expect(answer).toEqual({
      data: {
        journey: {
          edges: [
            {
              node: { time: '2025-12-31T14:10:00.000Z', action: 'watched' },
              repeats: { count: 2, first: '2025-12-31T14:00:00.000Z', last: '2025-12-31T14:10:00.000Z' },
            },
            {
              node: { action: 'watched', time: expect.any(String) },
              repeats: { count: 1, first: expect.any(String), last: expect.any(String) },
            },
            {
              node: { action: 'played', time: expect.any(String) },
              repeats: { count: 1, first: expect.any(String), last: expect.any(String) },
            },
          ],
          sessions: [
            {
              start: '2025-12-31T14:00:00.000Z',
              end: '2025-12-31T14:15:00.000Z',
              steps: 3,
              domains: ['streaming'],
              devices: ['tv', 'phone'],
              mayBeginEarlier: false,
              mayEndLater: false,
            },
            {
              start: '2025-12-31T15:40:00.000Z',
              end: '2025-12-31T15:40:00.000Z',
              steps: 1,
              domains: ['games'],
              devices: ['phone'],
              mayBeginEarlier: false,
              mayEndLater: false,
            },
          ],
          devices: [{ from: 'tv', to: 'phone', afterMs: 300_000 }],
          domains: [{ from: 'streaming', to: 'games', time: '2025-12-31T15:40:00.000Z' }],
        },
      },
    });
  });

  it('takes only steps that link by the edge types named, and fills its page with them', async () => {
    const { answer } = await journey(
      'edges { node { action } } pageInfo { hasNextPage }',
      'edgeTypes: ["WATCHED"], order: NEWEST_FIRST, first: 2',
    );
    expect(answer.data?.journey).toEqual({
      edges: [{ node: { action: 'watched' } }, { node: { action: 'watched' } }],
      pageInfo: { hasNextPage: true },
    });
  });

  it('gives sessions and transitions in the order of the page', async () => {
    const { answer } = await journey(
      'sessions { steps } transitions(of: DOMAIN) { from to }',
      'order: NEWEST_FIRST',
    );
    expect(answer.data?.journey).toEqual({
      sessions: [{ steps: 1 }, { steps: 3 }],
      transitions: [{ from: 'streaming', to: 'games' }],
    });
  });

  it.each([
    ['sessions(gap: 0) { steps }', '', 'gap'],
    ['sessions(gap: "30 minutes") { steps }', '', 'gap'],
    ['sessions(gap: 99999999999999) { steps }', '', 'gap'],
    ['sessions(deviceType: "") { steps }', '', 'deviceType'],
    ['transitions(of: DEVICE) { from }', 'noDevice', 'deviceType'],
    ['edges { cursor }', 'edgeTypes: []', 'edgeTypes'],
    ['edges { cursor }', `edgeTypes: ["${'x'.repeat(129)}"]`, 'edgeTypes'],
  ])('refuses %s with %s and names the argument', async (selection, args, argument) => {
    const { answer } = await journey(selection, args);
    expect(answer.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument } }]);
  });
});
