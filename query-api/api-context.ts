import type { Clock, Log } from '../foundation/index.ts';
import type { GraphReader } from '../graph-store/index.ts';
import type { Audiences } from './audiences/audiences.ts';
import type { ReadBudget } from './read-budget.ts';
import type { StatusReader } from './status-reader.ts';
import type { StepBudget } from './step-budget.ts';

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
}

export const queryLimitsDefault: QueryLimits = {
  pageDefault: 50,
  pageMax: 500,
  lookbackMs: 100 * 86_400_000,
  scanRowsMax: 10_000,
  readsMax: 32,
  depthMax: 12,
  aliasesMax: 15,
  tokensMax: 1000,
  deadlineMs: 5000,
  bodyBytesMax: 262_144,
};

/** What every resolver gets: the store's reading side, the limits and who asks. */
export interface ApiContext {
  readonly reader: GraphReader;
  readonly status: StatusReader;
  readonly limits: QueryLimits;
  readonly steps: StepBudget;
  readonly reads: ReadBudget;
  readonly clock: Clock;
  readonly log: Log;
  readonly requestId: string;
  /** Null of a server that keeps none. */
  readonly audiences: Audiences | null;
}
