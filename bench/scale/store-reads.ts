import type { Random } from '../../foundation/index.ts';
import type { AdjacencyPage, DegreeView, GraphStore, NodeRef } from '../../graph-store/index.ts';
import type { Figure } from '../benchmark.ts';
import { Histogram } from '../histogram.ts';
import { type HopOptions, readHop } from '../reads/hops.ts';
import { limits } from '../reads/read-target.ts';
import { account, nowMs, shapeOf, title } from './member-days.ts';
import { supernode } from './supernode.ts';

export interface ReadWork {
  /** Of each question; a tenth of both, before, is not counted. */
  readonly seconds: number;
  readonly questionsMax: number;
}

/** Answers how many steps, edges or nodes it found. */
type Question = () => Promise<number>;

export const degreeScanMax = 1_000;
const popularTitles = 100;

/** At a graph of so many events. Titles are the popular ones, which have 300 edges where the run is not a small one. */
export function questionsOf(
  store: GraphStore,
  events: number,
  random: Random,
): Readonly<Record<string, Question>> {
  const { accounts, titles } = shapeOf(events);
  const someAccount = (): NodeRef => account(Math.floor(random() * accounts));
  const someTitle = (): NodeRef => title(Math.floor(random() * Math.min(popularTitles, titles)));
  const sinceMs = nowMs - limits.lookbackMs;
  return {
    latest20: async () => (await store.journey({ of: someAccount(), ...latestSteps })).steps.length,
    hop300: () => hopOf300(store, someTitle()),
    hop3: () => walk(store, someAccount(), [hop('out', sinceMs), hop('in', sinceMs), hop('out', sinceMs)]),
    hop3wide: () =>
      walk(store, someAccount(), [wideHop('out', sinceMs), wideHop('in', sinceMs), wideHop('out', sinceMs)]),
    node: async () => ((await store.node(someAccount())) === null ? 0 : 1),
  };
}

export function supernodeQuestions(store: GraphStore): Readonly<Record<string, Question>> {
  return {
    'supernode.hop300': () => hopOf300(store, supernode),
    'supernode.degree': async () => (await degreeOf(store, supernode)).count,
  };
}

/** One caller, which asks its next question when it has its answer. */
export async function askAll(
  questions: Readonly<Record<string, Question>>,
  work: ReadWork,
  log: (line: string) => void,
): Promise<Record<string, Figure>> {
  const figures: Record<string, Figure> = {};
  for (const [name, question] of Object.entries(questions)) {
    await ask(question, { seconds: work.seconds / 10, questionsMax: work.questionsMax / 10 });
    const { times, found } = await ask(question, work);
    const p99 = times.quantile(0.99);
    figures[`${name}.p50ms`] = { value: times.quantile(0.5), unit: 'ms' };
    figures[`${name}.p99ms`] = { value: p99, unit: 'ms' };
    figures[`${name}.found`] = { value: found / times.count, unit: 'an answer' };
    log(`${name}: p99 ${p99.toFixed(2)} ms over ${times.count} questions`);
  }
  return figures;
}

async function ask(
  question: Question,
  { seconds, questionsMax }: ReadWork,
): Promise<{ readonly times: Histogram; readonly found: number }> {
  const times = new Histogram();
  const deadline = performance.now() + seconds * 1000;
  let found = 0;
  do {
    const began = performance.now();
    found += await question();
    times.record(performance.now() - began);
  } while (performance.now() < deadline && times.count < questionsMax);
  return { times, found };
}

const allTimes = { sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER } as const;
const latestSteps = {
  ...allTimes,
  domains: null,
  order: 'newest-first',
  after: null,
  limit: limits.steps,
  scanMax: 1_000,
  bytesMax: 2 ** 20,
} as const;
const watchedIn = { ...allTimes, type: 'WATCHED', direction: 'in' } as const;

async function hopOf300(store: GraphStore, of: NodeRef): Promise<number> {
  return (await latestViewings(store, of, limits.hop1Edges)).occurrences.length;
}

/** Who watched it last, with what is said of that. */
export function latestViewings(store: GraphStore, of: NodeRef, limit: number): Promise<AdjacencyPage> {
  return store.adjacency({ of, ...watchedIn, limit, scanMax: limit * 10 });
}

export function degreeOf(store: GraphStore, of: NodeRef): Promise<DegreeView> {
  return store.degree({ of, ...watchedIn, scanMax: degreeScanMax });
}

/** 300 edges of the hop in all, as the reads benchmark's `hop3`. */
function hop(direction: 'out' | 'in', sinceMs: number): HopOptions {
  const { hop3Edges: edgesMax, atOnce } = limits;
  return { type: 'WATCHED', direction, sinceMs, edgesMax, edgesOfNodeMax: edgesMax, atOnce, endsOnly: true };
}

/** 300 edges of each node, as the reads benchmark's `hop3wide`. */
function wideHop(direction: 'out' | 'in', sinceMs: number): HopOptions {
  return { ...hop(direction, sinceMs), edgesMax: Number.POSITIVE_INFINITY, atOnce: limits.atOnceWide };
}

/** How many edges the last hop followed. */
async function walk(store: GraphStore, start: NodeRef, hops: readonly HopOptions[]): Promise<number> {
  let frontier: readonly NodeRef[] = [start];
  let edges = 0;
  for (const options of hops) {
    const result = await readHop((queries) => store.adjacencies(queries), frontier, options);
    frontier = result.reached;
    edges = result.edges;
  }
  return edges;
}
