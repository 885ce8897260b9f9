import type { Settings } from '../config/index.ts';
import { RefusedError } from '../foundation/index.ts';
import type { Archive, ArchiveTable } from './open-archive.ts';

/**
 * Tables that are there, of the topics that the settings name; topics that were not archived yet are passed over.
 *
 * @throws RefusedError `ARCHIVE_TOPICS_MISSING` when no topic is named.
 */
export async function tablesOf(settings: Settings, archive: Archive): Promise<readonly ArchiveTable[]> {
  const named = settings['archive.topics'].length > 0 ? settings['archive.topics'] : settings.topics;
  if (named.length === 0)
    throw new RefusedError(
      'ARCHIVE_TOPICS_MISSING',
      'Name the topics whose tables are meant: --archive.topics plays,games.',
    );
  const tables: ArchiveTable[] = [];
  for (const topic of new Set(named)) {
    const table = archive.table(topic);
    if ((await archive.catalog.load(table.name)) !== null) tables.push(table);
  }
  return tables;
}
