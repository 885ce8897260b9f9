import type { DegreeView } from '../../graph-store/index.ts';
import { growingShape } from '../ingest/playback-events.ts';
import type { FactsOptions } from '../ingest/playback-facts.ts';

/**
 * - latest20: the latest 20 steps of an account
 * - hop1: a title's latest 300 viewings: by whom, how long and how much of it
 * - hop2: a title's latest 50 viewers, and the latest 50 viewings of each
 * - hop3: an account's titles, their viewers, those viewers' titles; 100 days back, 300 edges a hop in all: the narrow way to read Netflix's limit
 * - hop3wide: the same with 300 edges for each node that a hop starts from: the wide way to read it
 * - degree: how often the most popular title was watched
 */
export const readNames = ['latest20', 'hop1', 'hop2', 'hop3', 'hop3wide', 'degree'] as const;
export type ReadName = (typeof readNames)[number];

export const limits = {
  steps: 20,
  hop1Edges: 300,
  hop2Edges: 50,
  hop3Edges: 300,
  lookbackMs: 100 * 86_400_000,
  /** Nodes of a hop that are read at once, where the hop has a bound and where each of its nodes has. */
  atOnce: 8,
  atOnceWide: 256,
} as const;

/** What one node may give to a hop of `hop3` when there are others to be read beside it. */
export const hop3Share = Math.ceil(limits.hop3Edges / limits.atOnce);

/** What answering cost. A rival counts one read a query: what it does inside is its own affair. */
export interface ReadCost {
  /** Steps, or edges of the last hop. */
  readonly found: number;
  /** Calls of the store's port. */
  readonly reads: number;
  /** Rows looked at; of a degree that is estimated see {@link rowsOfDegree}. */
  readonly scanned: number;
}

export interface ReadTarget {
  readonly name: string;
  readonly answers: readonly ReadName[];
  /** `subject` is an account's or a title's number, as {@link subjectOf} gives it. */
  read(name: ReadName, subject: number): Promise<ReadCost>;
}

/**
 * Keys that our store reads for a degree. Of an estimate it does not tell: this is the most where rows are in files, as those of a store are that was closed since they
 * were written, and their files tell (graph-store/README.md); 22,272 are read beyond those counted at the most.
 */
export function rowsOfDegree({ count, exact }: DegreeView, scanMax: number): number {
  return exact ? count : scanMax + 1 + furtherKeysInFiles;
}

export interface ReadData {
  readonly events: number;
  readonly facts: FactsOptions;
  readonly nowMs: number;
}

const furtherKeysInFiles = 1280;
const daysOfEvents = 200;

/** Events of 200 days, evenly spread, so that a lookback of 100 days leaves half of them out. */
export function readData(events: number, seed: number, nowMs: number): ReadData {
  const spanMs = daysOfEvents * 86_400_000;
  return {
    events,
    facts: {
      seed,
      shape: growingShape(events, 'zipf'),
      startMs: nowMs - spanMs,
      spacingMs: spanMs / events,
    },
    nowMs,
  };
}

/** The first of the same events, as they were when the last of them had just happened. */
export function firstOf({ facts }: ReadData, events: number): ReadData {
  return { events, facts, nowMs: Math.ceil(facts.startMs + events * facts.spacingMs) };
}

/** A random account, or a random one of the titles that were watched often enough to have 300 edges; of `degree` the most popular title. */
export function subjectOf(name: ReadName, { events, facts }: ReadData, random: () => number): number {
  const below = (limit: number): number => Math.floor(random() * limit);
  switch (name) {
    case 'latest20':
    case 'hop3':
    case 'hop3wide':
      return below(facts.shape.accounts);
    case 'hop1':
    case 'hop2': {
      const watched = events / Math.log(facts.shape.titles + 1);
      return below(Math.max(1, Math.floor(watched / (limits.hop1Edges * 1.3))));
    }
    case 'degree':
      return 0;
  }
}
