import { join } from 'node:path';

/** Where a server keeps the journal of live events, below its data folder. */
export function liveJournalFolder(data: string): string {
  return join(data, 'live', 'journal');
}
