import { describe, expect, it } from 'vitest';
import { event, hop, journeyOf, type Subject } from './conformance-subject.ts';
import type { EventMutations, Mutation, NodeRef, Property } from './model.ts';

/** A small history of one member and one title, each part an event of its own at a time of its own. */
interface Story {
  readonly member: NodeRef;
  readonly title: NodeRef;
  readonly parts: readonly EventMutations[];
}

const cases = {
  'an edge before its nodes': ({ edge, create }) => [
    [5, edge],
    [3, create],
  ],
  'a delete before what it deletes': ({ edge, create, remove }) => [
    [9, remove],
    [5, create],
    [6, edge],
  ],
  'a delete, then a late write of something else': ({ create, remove, late }) => [
    [2, create],
    [5, remove],
    [3, late],
  ],
  'a delete between two writes': ({ create, remove, late }) => [
    [2, create],
    [5, remove],
    [7, late],
  ],
  'a delete at the time of a write': ({ create, remove, edge }) => [
    [5, create],
    [5, remove],
    [5, edge],
  ],
  'two deletes and an edge between them': ({ remove, edge }) => [
    [3, remove],
    [8, remove],
    [5, edge],
  ],
  'an edge after a delete of its end': ({ create, remove, edge }) => [
    [2, create],
    [4, remove],
    [6, edge],
  ],
  'a delete of the edge alone': ({ create, edge, removeEdge }) => [
    [2, create],
    [4, edge],
    [6, removeEdge],
  ],
  'an edge again after its delete': ({ edge, removeEdge }) => [
    [4, edge],
    [6, removeEdge],
    [8, edge],
  ],
  'the other end deleted, the edge later': ({ edge, removeTitle, create }) => [
    [5, removeTitle],
    [7, edge],
    [1, create],
  ],
} as const satisfies Record<string, (kinds: Kinds) => readonly (readonly [number, Mutation])[]>;

interface Kinds {
  readonly create: Mutation;
  readonly late: Mutation;
  readonly edge: Mutation;
  readonly remove: Mutation;
  readonly removeEdge: Mutation;
  readonly removeTitle: Mutation;
}

/** Nodes that only edges have named, and deletes that come too early or too late: in every order, in one batch and in several. */
export function describeStubs(subject: Subject): void {
  describe('stubs and tombstones in every order', () => {
    it.each(Object.keys(cases))('answers the same, and as the rules say: %s', async (name) => {
      const [, kinds] = Object.entries(cases).find(([one]) => one === name) ?? [];
      if (kinds === undefined) throw new Error(`no story is called ${name}`);
      let stories = 0;
      for (const order of permutations(kinds(kindsOf(0)).map((_, i) => i))) {
        for (const together of [true, false]) {
          stories += 1;
          const story = storyOf(stories, kinds);
          const parts = order.map((i) => story.parts[i]).filter((part) => part !== undefined);
          if (together) await subject.apply(...parts);
          else for (const part of parts) await subject.apply(part);
          expect(await answersOf(subject, story), `order ${order}, together ${together}`).toEqual(
            ruleOf(story),
          );
        }
      }
      expect(stories).toBeGreaterThanOrEqual(4);
    });
  });
}

function kindsOf(story: number): Kinds & Pick<Story, 'member' | 'title'> {
  const member = { type: 'Account', id: `member ${story}` };
  const title = { type: 'Title', id: `title ${story}` };
  const properties = (name: string): Mutation => ({ kind: 'node', node: member, properties: [[name, 1]] });
  const ends = { type: 'WATCHED', from: member, to: title };
  return {
    member,
    title,
    create: properties('created'),
    late: properties('late'),
    edge: { kind: 'edge', ...ends, properties: [] },
    remove: { kind: 'node-delete', node: member },
    removeEdge: { kind: 'edge-delete', ...ends },
    removeTitle: { kind: 'node-delete', node: title },
  };
}

function storyOf(number: number, told: (kinds: Kinds) => readonly (readonly [number, Mutation])[]): Story {
  const kinds = kindsOf(number);
  const parts = told(kinds).map(([timeMs, mutation]) => {
    const { member, title } = kinds;
    // An edge is a step of the member as well, which the same deletes hide.
    const step = { kind: 'step', owner: member, domain: 'd', action: 'a', properties: [] } as const;
    const links = [{ edge: 'WATCHED', direction: 'out', node: title }] as const;
    return event(timeMs, mutation.kind === 'edge' ? [mutation, { ...step, links }] : [mutation]);
  });
  return { member: kinds.member, title: kinds.title, parts };
}

interface Answers {
  readonly properties: readonly Property[] | null;
  readonly title: boolean;
  readonly out: readonly number[];
  readonly back: readonly number[];
  readonly steps: readonly (readonly [timeMs: number, links: number])[];
}

async function answersOf({ store }: Subject, { member, title }: Story): Promise<Answers> {
  const node = await store.node(member);
  const out = await store.adjacency(hop(member, 'out'));
  const back = await store.adjacency(hop(title, 'in'));
  const { steps } = await store.journey(journeyOf(member));
  return {
    properties: node === null ? null : node.properties.map(({ name }) => [name, 1]),
    title: (await store.node(title)) !== null,
    out: out.occurrences.map(({ timeMs }) => timeMs),
    back: back.occurrences.map(({ timeMs }) => timeMs),
    steps: steps.map(({ timeMs, links }) => [timeMs, links.length]),
  };
}

/** The rules, applied to the parts as a set: nothing here knows in which order they came. */
function ruleOf({ parts }: Story): Answers {
  const timesOf = (matches: (mutation: Mutation) => boolean): number[] =>
    parts.filter(({ mutations }) => mutations.some(matches)).map(({ timeMs }) => timeMs);
  const isOf = (type: string) => (one: Mutation) => one.kind === 'node-delete' && one.node.type === type;
  const memberMs = Math.max(-1, ...timesOf(isOf('Account')));
  const titleMs = Math.max(-1, ...timesOf(isOf('Title')));
  const edgeMs = Math.max(-1, ...timesOf(({ kind }) => kind === 'edge-delete'));
  const edges = timesOf(({ kind }) => kind === 'edge').sort((a, b) => b - a);
  const visible = edges.filter((timeMs) => timeMs > Math.max(memberMs, titleMs, edgeMs));
  const nodeOf = (name: string) => (one: Mutation) =>
    one.kind === 'node' && one.properties.some(([property]) => property === name);
  const written = ['created', 'late'].filter((name) =>
    timesOf(nodeOf(name)).some((timeMs) => timeMs > memberMs),
  );
  const mentioned = [...timesOf(({ kind }) => kind === 'node'), ...edges].some((timeMs) => timeMs > memberMs);
  return {
    properties: mentioned ? written.map((name) => [name, 1]) : null,
    title: edges.some((timeMs) => timeMs > titleMs),
    out: visible,
    back: visible,
    steps: edges
      .filter((timeMs) => timeMs > memberMs)
      .map((timeMs) => [timeMs, timeMs > titleMs ? 1 : 0] as const),
  };
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}
