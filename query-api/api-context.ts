import type { Clock, Log } from '../foundation/index.ts';
import type { GraphReader } from '../graph-store/index.ts';
import type { Audiences } from './audiences/audiences.ts';
import type { Caller } from './auth/caller.ts';
import type { Cost } from './cost/field-cost.ts';
import type { LiveAccess } from './live/live-access.ts';
import type { QueryRun } from './observe/query-run.ts';
import type { Grant } from './policy/grant.ts';
import type { Replay } from './prepared/replay.ts';
import type { ReadBudget } from './read-budget.ts';
import type { StatusReader } from './status-reader.ts';
import type { StepBudget } from './step-budget.ts';
import { type HopLimitRule, hopEdgesDefault, lookbackDefaultMs } from './traversal/hop-limits.ts';
import type { TraversalBudget } from './traversal/traversal-budget.ts';

export interface QueryLimits {
  readonly pageDefault: number;
  readonly pageMax: number;
  readonly lookbackMs: number;
  readonly scanRowsMax: number;
  /** Nodes and journeys that one query may read. */
  readonly readsMax: number;
  readonly depthMax: number;
  readonly aliasesMax: number;
  readonly tokensMax: number;
  readonly deadlineMs: number;
  readonly bodyBytesMax: number;
  /** What one query of a caller without a budget of its own may cost. */
  readonly budget: Cost;
  /** Edges of a hop. */
  readonly hopEdgesMax: number;
  /** What beats `hopEdgesMax` and `lookbackMs` at some depths and edge types. */
  readonly hopRules: readonly HopLimitRule[];
  /** Rows that the traversals of one query look at together. */
  readonly traversalRowsMax: number;
}

export const queryLimitsDefault: QueryLimits = {
  pageDefault: 50,
  pageMax: 500,
  lookbackMs: lookbackDefaultMs,
  scanRowsMax: 10_000,
  readsMax: 32,
  depthMax: 12,
  aliasesMax: 15,
  tokensMax: 1000,
  deadlineMs: 5000,
  bodyBytesMax: 262_144,
  budget: { calls: 1000, rows: 500_000 },
  hopEdgesMax: hopEdgesDefault,
  hopRules: [],
  traversalRowsMax: 100_000,
};

/** What every resolver gets: the store's reading side, the limits and who asks. */
export interface ApiContext {
  readonly reader: GraphReader;
  /** As `reader`, of work that goes on when the request has been answered: neither counted for it nor ended with it. */
  readonly readerOfJobs: GraphReader;
  /** As `reader`, each read with a budget and a run of its own: for the events of a subscription, which has no end. */
  readonly readerOfEvents: Pick<GraphReader, 'journey'>;
  /** Runs what outlives its request, so that it is seen how long it took. */
  readonly job: (stage: 'freeze', work: () => Promise<void>) => Promise<void>;
  readonly status: StatusReader;
  readonly limits: QueryLimits;
  readonly steps: StepBudget;
  readonly reads: ReadBudget;
  readonly traversals: TraversalBudget;
  readonly clock: Clock;
  readonly log: Log;
  readonly requestId: string;
  readonly caller: Caller;
  /** What a policy lets the caller read; null for everything. `reader` keeps to it by itself. */
  readonly grant: Grant | null;
  /** What this caller may spend on one query. */
  readonly budget: Cost;
  /** Aborts when nobody waits for the answer any more; then the reader reads no more either. */
  readonly signal: AbortSignal;
  readonly run: QueryRun;
  /** What its root fields gave already: they are not asked again. */
  readonly replay?: Replay;
  /** Of an operation that came over a WebSocket. */
  readonly live?: LiveAccess;
  /** Null of a server that keeps none. */
  readonly audiences: Audiences | null;
}
