import type { SourceStatus } from '../../graph-store/index.ts';
import type { JournalEntry } from './backfill-journal.ts';
import type { BackfillPlan } from './backfill-plan.ts';
import { type BackfillProgress, rowsDone, rowsOf } from './backfill-progress.ts';
import { lifeIn, sumOf } from './life-fates.ts';

/** How far a replay is that does not run in this process, with the positions of the live graph. `running`: it was killed, or is about to go on. */
export function progressOfStored(
  plan: BackfillPlan,
  entry: JournalEntry,
  sources: readonly SourceStatus[],
): BackfillProgress {
  const { id, topic, rows: rowsTotal } = plan;
  const { state, failure, activeMs } = entry;
  const { read, duplicates, outside } = rowsOf(entry.cuts.values());
  return {
    ...{ id, topic, state, failure, activeMs, rowsTotal, duplicates },
    yieldsTo: null,
    rowsDone: state === 'done' ? rowsTotal : rowsDone(plan, entry.cuts.values()),
    rowsPerSecond: 0,
    etaMs: null,
    // The graph of a shadow may be closed, or gone.
    fates: plan.into === 'live' ? sumOf(lifeIn(plan, sources)) : entry.fates,
    outside: state === 'done' ? rowsTotal - read : Math.min(outside, rowsTotal - read),
    at: [],
  };
}
