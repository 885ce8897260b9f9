import type { ArchiveFilter, ArchiveRow, ObjectStore } from '../../archive/index.ts';
import {
  BadDataError,
  type Clock,
  type Log,
  RefusedError,
  silentLog,
  systemClock,
} from '../../foundation/index.ts';
import type { EventMutations, Fates, GraphStore, Mutation, SourceStatus } from '../../graph-store/index.ts';
import type { DeadLetter } from '../dead-letters.ts';
import { InFlightBudget } from '../in-flight-budget.ts';
import type { PipelineLimits } from '../pipeline.ts';
import type { Outcome, RecordProcessor } from '../record-processor.ts';
import { archiveSourceLimitsDefault } from './archive-source.ts';
import { BackfillJournal } from './backfill-journal.ts';
import type { BackfillPlan } from './backfill-plan.ts';
import { type BackfillLimits, type BackfillParts, BackfillRun } from './backfill-run.ts';
import type { MemoryArchive, MemoryFile } from './memory-archive.fake.ts';
import { type PlanParts, type PlanRequest, planBackfill } from './planner.ts';
import type { RateBudget } from './rate-budget.ts';

/** What the tests of backfills share. */

export const everything: ArchiveFilter = { fromMs: null, untilMs: null, partitions: null };
export const request: PlanRequest = {
  topic: 'views',
  topicId: null,
  into: 'live',
  filter: everything,
  repeat: 0,
  allow: { gaps: false, rewrite: false },
  skipExpired: false,
};

/** Numbers from a seed, the same each time. */
export function numbersFrom(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Event `id` of a history: the processor below makes the same of it wherever it comes from. */
export function rowOf(id: number, offset: number, timestampMs = 1_000 + id): ArchiveRow {
  return {
    offset: BigInt(offset),
    timestampMs,
    schemaId: null,
    key: Buffer.from(`k${id % 9}`),
    value: Buffer.from(String(id)),
    headers: id % 4 === 0 ? [{ key: 'h', value: Buffer.from('1') }] : [],
  };
}

export function rowsBetween(from: number, until: number): readonly ArchiveRow[] {
  return Array.from({ length: until - from }, (_, i) => rowOf(from + i, from + i));
}

/** Late, repeated, deleting, filtered and rubbish events, so that everything that order could spoil is there. */
export const historyProcessor: RecordProcessor = {
  process({ value }): Outcome {
    const id = Number(String(value));
    if (Number.isNaN(id) || id % 31 === 17)
      return { kind: 'dead', stage: 'decode', error: new BadDataError('X', 'rubbish') };
    if (id % 13 === 5) return { kind: 'filtered' };
    return { kind: 'mapped', event: historyEvent(id) };
  },
  load: async () => undefined,
};

function historyEvent(id: number): EventMutations {
  const owner = { type: 'Account', id: `a${id % 7}` };
  const to = { type: 'Title', id: `t${(id * 3) % 5}` };
  // Far from the order of ids, and often the same.
  const timeMs = 1_000 + ((id * 7_919) % 400);
  const mutations: Mutation[] = [
    { kind: 'step', owner, domain: 'd', action: 'a', links: [], properties: [['id', id]] },
    { kind: 'edge', type: 'WATCHED', from: owner, to, properties: [['id', id]] },
    {
      kind: 'node',
      node: owner,
      properties: [
        ['id', id],
        ['even', id % 2 === 0],
      ],
    },
    { kind: 'node', node: to, properties: [['by', owner.id]] },
    ...(id % 19 === 3 ? [{ kind: 'node-delete', node: to } as const] : []),
    ...(id % 23 === 4 ? [{ kind: 'edge-delete', type: 'WATCHED', from: owner, to } as const] : []),
  ];
  return { timeMs, rank: id % 2, occurrence: BigInt(id), mutations };
}

export async function plan(
  archive: MemoryArchive,
  own: Partial<PlanRequest> = {},
  parts: Partial<PlanParts> = {},
): Promise<BackfillPlan> {
  const given = {
    reader: archive,
    archive: 'memory',
    snapshotId: null,
    subjects: [],
    hidden: { types: [], hidesAll: false },
    identities: [],
    isExplained: null,
    rowsPerSecond: null,
    clock: systemClock,
  };
  return await planBackfill({ ...request, ...own }, { ...given, ...parts });
}

export const unlimited: RateBudget = {
  take: async (rowsMax, signal) => (signal.aborted ? 0 : rowsMax),
  perSecond: Infinity,
  yieldsTo: null,
};

export const pipelineLimits: PipelineLimits = {
  batchEventsMax: 16,
  batchBytesMax: 64 * 1_024,
  inFlightBytesMax: 2 ** 20,
  sliceMs: 1_000,
  onGap: 'stop',
  retry: { baseMs: 1, maxMs: 5 },
};

export const limits: BackfillLimits = {
  source: { ...archiveSourceLimitsDefault, batchRowsMax: 40, retry: { baseMs: 1, maxMs: 5 } },
  pipeline: pipelineLimits,
  journalMs: 5,
};

/** Files in memory. */
export function memoryFiles(): ObjectStore & { readonly bytes: Map<string, Uint8Array> } {
  const bytes = new Map<string, Uint8Array>();
  const get = (key: string): Uint8Array => {
    const found = bytes.get(key);
    if (found === undefined) throw new RefusedError('OBJECT_MISSING', `There is no ${key}.`);
    return found;
  };
  return {
    bytes,
    location: 'memory',
    size: async (key) => get(key).length,
    read: async (key, start, end) => get(key).subarray(start, end),
    async *list() {
      for (const [key, value] of bytes) yield { key, bytes: value.length, modifiedMs: 0 };
    },
    write: async () => 0,
    async create(key, value) {
      if (bytes.has(key)) return false;
      bytes.set(key, value);
      return true;
    },
    replace: async (key, value) => void bytes.set(key, value),
    remove: async (key) => void bytes.delete(key),
    removeLeftovers: async () => 0,
  };
}

export interface Backfill {
  readonly run: BackfillRun;
  readonly letters: DeadLetter[];
  readonly journal: BackfillJournal;
}

export function backfillOf(
  store: GraphStore,
  frozen: BackfillPlan,
  archive: MemoryArchive,
  own: Partial<BackfillParts> & { readonly log?: Log; readonly clock?: Clock } = {},
): Backfill {
  const letters: DeadLetter[] = [];
  const journal = own.journal ?? new BackfillJournal(memoryFiles());
  const run = new BackfillRun(
    {
      plan: frozen,
      reader: archive,
      objects: archive,
      journal,
      processor: historyProcessor,
      deadLetters: { write: async (some) => void letters.push(...some), close: async () => undefined },
      writes: store,
      graph: store,
      rate: unlimited,
      inFlight: new InFlightBudget(2 ** 20),
      clock: systemClock,
      random: () => 0.5,
      log: silentLog,
      ...own,
    },
    limits,
  );
  return { run, letters, journal };
}

export function fatesOf(sources: readonly SourceStatus[], topicId: string): Fates {
  const sum = { consumed: 0, applied: 0, superseded: 0, filtered: 0, deadLettered: 0 };
  for (const { source, fates } of sources) {
    if (source.topicId !== topicId) continue;
    for (const name of ['consumed', 'applied', 'superseded', 'filtered', 'deadLettered'] as const)
      sum[name] += fates[name];
  }
  return sum;
}

/** Rows by partition; ids repeat within and across partitions. */
export function drawHistory(
  seed: number,
  rowsPerPartition: number,
  partitions: number,
): readonly (readonly ArchiveRow[])[] {
  const below = numbersFrom(seed);
  return Array.from({ length: partitions }, (_, partition) =>
    Array.from({ length: rowsPerPartition }, (_row, i) => {
      const id = below(5) === 0 ? below(rowsPerPartition) : partition * rowsPerPartition + i;
      return rowOf(id, i);
    }),
  );
}

/** The same in files, cut anywhere, some of them overlapping. */
export function cutFiles(seed: number, history: readonly (readonly ArchiveRow[])[]): readonly MemoryFile[] {
  const below = numbersFrom(seed);
  return history.flatMap((rows, partition) => {
    const files: MemoryFile[] = [];
    for (let start = 0; start < rows.length; ) {
      const end = Math.min(rows.length, start + 1 + below(Math.ceil(rows.length / 3)));
      const early = Math.max(0, start - below(3) * below(20));
      files.push({
        key: `p${partition}-${String(start).padStart(5, '0')}`,
        partition,
        rows: rows.slice(early, end),
      });
      start = end;
    }
    return files;
  });
}

export function drawFiles(seed: number, rowsPerPartition: number, partitions: number): readonly MemoryFile[] {
  return cutFiles(seed, drawHistory(seed, rowsPerPartition, partitions));
}
