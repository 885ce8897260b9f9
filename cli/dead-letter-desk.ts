import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import type { Clock } from '../foundation/index.ts';
import type { GraphStore, StoreWriter } from '../graph-store/index.ts';
import {
  LetterDesk,
  type LetterLog,
  LetterValues,
  type RecordProcessor,
  RetryPlanFolder,
} from '../ingest/index.ts';
import type { SchemaRegistry, WireLimits } from '../schemas/index.ts';

export interface DeadLetterDeskParts {
  readonly letters: LetterLog;
  readonly topics: readonly string[];
  readonly store: Pick<GraphStore, 'sources'>;
  /** As pipelines write, so that whoever watches their writes sees these too. */
  readonly writes: StoreWriter;
  /** Of its own: pipelines remember for a while what a registry did not know. */
  readonly processor: RecordProcessor;
  readonly registry: SchemaRegistry;
  readonly wireLimits: WireLimits;
  readonly clock: Clock;
}

/** Letters that stay behind in a partition: 200,000 offsets in memory and in one file. */
const leftMax = 200_000;

/** Dead letters of a data folder's store, with its plans beside it. */
export function createDeadLetterDesk(settings: Settings, parts: DeadLetterDeskParts): LetterDesk {
  const { letters, topics, store, writes, processor, registry, wireLimits, clock } = parts;
  return new LetterDesk(
    {
      ...{ letters, topics, processor, clock },
      plans: new RetryPlanFolder(join(settings.data, 'dead-letters')),
      sources: () => store.sources(),
      store: writes,
      values: new LetterValues(registry, wireLimits),
    },
    {
      batchEventsMax: settings['batch.events.max'],
      batchBytesMax: settings['batch.bytes.max'],
      leftMax,
    },
  );
}
