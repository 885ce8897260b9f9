import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { createMemoryStore, createMutationBatch, type GraphStore } from '../graph-store/index.ts';
import { compareGraph } from './main-job-comparison.ts';
import type { ExpectedEdge, ExpectedJourney, ExpectedNode, Oracle } from './main-job-oracle.ts';

const account = { type: 'Account', id: 'a' };
const title = { type: 'Title', id: 't' };
const source = { cluster: 'c', topic: 'x', topicId: 'x', partition: 0 };

async function graphOfOneEvent(): Promise<GraphStore> {
  const store = createMemoryStore(systemClock);
  const { epoch } = await store.claim(source);
  const batch = createMutationBatch();
  batch.add({
    timeMs: 5,
    rank: 0,
    occurrence: 1n,
    mutations: [
      { kind: 'node', node: title, properties: [['name', 'The Title']] },
      { kind: 'edge', type: 'STARTED', from: account, to: title, properties: [['resumed', true]] },
      {
        kind: 'step',
        owner: account,
        domain: 'streaming',
        action: 'started watching',
        links: [{ edge: 'STARTED', direction: 'out', node: title }],
        properties: [['resumed', true]],
      },
    ],
  });
  const fates = { consumed: 1, applied: 1, superseded: 0, filtered: 0, deadLettered: 0 };
  await store.apply({ source, epoch, from: 0n, next: 1n, fates, newestEventMs: 5 }, batch);
  return store;
}

const node: ExpectedNode = {
  row: 'node',
  ...title,
  properties: { name: { timeMs: 5, anyOf: ['The Title'] } },
};
const edge: ExpectedEdge = {
  row: 'edge',
  type: 'STARTED',
  from: account,
  to: title,
  firstSeenMs: 5,
  lastSeenMs: 5,
  count: 1,
  properties: { resumed: { timeMs: 5, anyOf: [true] } },
};
const journey: ExpectedJourney = {
  row: 'journey',
  ...account,
  steps: [
    {
      timeMs: 5,
      domain: 'streaming',
      action: 'started watching',
      links: [{ edge: 'STARTED', direction: 'out', ...title }],
      properties: { resumed: true },
    },
  ],
};
const oracle: Oracle = {
  nodes: [{ row: 'node', ...account, properties: {} }, node],
  edges: [edge],
  journeys: [journey],
  fates: [],
  bad: [],
};
const [step] = journey.steps;

describe('the comparison with the oracle', () => {
  it('finds nothing where graph and oracle are equal', async () => {
    expect(await compareGraph(await graphOfOneEvent(), oracle)).toEqual([]);
  });

  const wrong: [string, Partial<Oracle>][] = [
    ['a node that is missing', { nodes: [{ ...node, id: 'other' }] }],
    [
      'a property of another value',
      { nodes: [{ ...node, properties: { name: { timeMs: 5, anyOf: ['Other'] } } }] },
    ],
    [
      'a property of another time',
      { nodes: [{ ...node, properties: { name: { timeMs: 6, anyOf: ['The Title'] } } }] },
    ],
    ['a property too many', { nodes: [{ ...node, properties: {} }] }],
    ['an edge that is missing', { edges: [{ ...edge, type: 'PLAYED' }] }],
    ['an edge too many', { edges: [{ ...edge, to: { type: 'Title', id: 'other' } }] }],
    ['another count', { edges: [{ ...edge, count: 2 }] }],
    ['another first time', { edges: [{ ...edge, firstSeenMs: 4 }] }],
    [
      'another value at an edge',
      { edges: [{ ...edge, properties: { resumed: { timeMs: 5, anyOf: [false] } } }] },
    ],
    ['a step that is missing', { journeys: [{ ...journey, steps: [] }] }],
    [
      'a step with another action',
      { journeys: [{ ...journey, steps: step ? [{ ...step, action: 'played' }] : [] }] },
    ],
    ['a step with another link', { journeys: [{ ...journey, steps: step ? [{ ...step, links: [] }] : [] }] }],
    ['a step at another time', { journeys: [{ ...journey, steps: step ? [{ ...step, timeMs: 6 }] : [] }] }],
  ];
  it.each(wrong)('finds %s', async (_name, change) => {
    expect(await compareGraph(await graphOfOneEvent(), { ...oracle, ...change })).not.toEqual([]);
  });
});
