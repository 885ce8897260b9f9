import type { Settings } from '../config/index.ts';
import { RefusedError } from '../foundation/index.ts';

/** Null, or a sentence for who set `archive`, which only `jg up` goes by: the log would forget what nobody archives. */
export function notArchiving(settings: Settings): string | null {
  if (!settings.archive) return null;
  return '`jg ingest` archives nothing, though `archive` is set: run `jg archive run` with the same settings, or the topics are not archived.';
}

/**
 * Refuses what one process has for itself: a graph or a log that others could not see.
 *
 * @throws RefusedError `STORE_NOT_SHARED` or `LOG_NOT_SHARED`.
 */
export function checkShared(settings: Settings, command: string): void {
  if (settings.store === 'leveldb') {
    const message = `\`${command}\` shares its graph with other processes, and the embedded store (LevelDB) is one process's: name a server with --store neo4j or --store cassandra, or run everything in one process with \`jg up\`.`;
    throw new RefusedError('STORE_NOT_SHARED', message, { context: { setting: 'store' } });
  }
  if (settings['bootstrap.servers'] === null) {
    const message = `\`${command}\` shares its topics with other processes, and the embedded log is one process's: name brokers with --bootstrap.servers, or run everything in one process with \`jg up\`.`;
    throw new RefusedError('LOG_NOT_SHARED', message, { context: { setting: 'bootstrap.servers' } });
  }
}
