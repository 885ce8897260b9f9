import type { ArchiveReader, ObjectStore } from '../../archive/index.ts';
import type { Clock, Log, Random } from '../../foundation/index.ts';
import type { DeadLetterWriter } from '../dead-letters.ts';
import type { InFlightBudget } from '../in-flight-budget.ts';
import type { RecordProcessor } from '../record-processor.ts';
import type { BackfillJournal } from './backfill-journal.ts';
import type { BackfillTarget, PlanIdentity } from './backfill-plan.ts';
import type { BackfillLimits } from './backfill-run.ts';
import type { IsExplained } from './file-coverage.ts';
import type { HiddenTypes } from './hidden-types.ts';
import type { PlanRequest, PlanSubject } from './planner.ts';
import type { RateBudget } from './rate-budget.ts';
import type { ReplayGraph } from './replay-graph.ts';

/** An archive that was opened for one replay. */
export interface OpenedArchive {
  readonly reader: ArchiveReader;
  /** Where the files' sizes are asked for; null where the archive's own list is enough. */
  readonly objects: Pick<ObjectStore, 'size'> | null;
  readonly snapshotId: string | null;
  readonly isExplained: IsExplained | null;
  /** Of its own: it knows the schemas that the archive brings along. */
  readonly processor: RecordProcessor;
  close(): Promise<void>;
}

export interface ArchivePlaceRequest {
  /** The same text opens the same archive, in another process too. */
  readonly archive: string;
  readonly topic: string;
  /** Null: the current one. */
  readonly snapshotId: string | null;
  /** Rows are wanted by their time. */
  readonly byTime: boolean;
}

/** What the graph and the mappings in force say about a topic. */
export interface TopicFacts {
  readonly subjects: readonly PlanSubject[];
  readonly hidden: HiddenTypes;
  /** Under which the live graph has positions of it. */
  readonly identities: readonly PlanIdentity[];
}

export interface BackfillDeskParts {
  readonly journal: BackfillJournal;
  open(request: ArchivePlaceRequest, signal: AbortSignal): Promise<OpenedArchive>;
  /** Makes no graph that is missing. */
  facts(topic: string, into: BackfillTarget, signal: AbortSignal): Promise<TopicFacts>;
  /** Of replays into the live graph. Closed when the replay has ended. */
  deadLetters(topic: string): DeadLetterWriter;
  /** Opens a graph, for one replay; makes a shadow that is missing. */
  target(into: BackfillTarget): Promise<ReplayGraph>;
  /** One for all replays together. */
  readonly rate: RateBudget;
  readonly inFlight: InFlightBudget;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface BackfillDeskLimits {
  readonly run: BackfillLimits;
  /** Replays that run or are paused at a time. */
  readonly runsMax: number;
  /** Plans kept that never ran; older ones are forgotten. */
  readonly plannedMax: number;
  readonly rowsPerSecondMax: number;
}

export interface BackfillRequest extends PlanRequest {
  readonly archive: string;
}
