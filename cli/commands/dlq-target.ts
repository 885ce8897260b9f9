import type { Command } from 'commander';
import type { Settings } from '../../config/index.ts';
import { RefusedError } from '../../foundation/index.ts';
import type { LetterList, RetryEvent, ShownLetter } from '../../ingest/index.ts';
import type { DeadLetterOperations } from '../../query-api/index.ts';
import type { CommandIo } from '../command-io.ts';
import { DeadLetterClient } from '../dead-letter-client.ts';
import { GraphFolders } from '../graph-folders.ts';
import { addFolderTarget, type FolderOptions, withFolder } from './folder-target.ts';
import { endpoint } from './server-option.ts';

export type DeadLetterOptions = FolderOptions;

/** What the commands ask, of a server or of a folder. */
export interface DeadLetterTarget {
  list(request: Parameters<DeadLetterOperations['list']>[0]): Promise<LetterList>;
  show(request: Parameters<DeadLetterOperations['show']>[0]): Promise<ShownLetter>;
  retry(request: Parameters<DeadLetterOperations['retry']>[0]): AsyncIterable<RetryEvent>;
}

/** A running server unless a data folder is named. */
export function addDeadLetterTarget(command: Command): Command {
  return addFolderTarget(command);
}

/** Gives `work` the server or the opened folder, which is closed again behind it. */
export async function withDeadLetters<T>(
  options: DeadLetterOptions,
  io: CommandIo,
  work: (target: DeadLetterTarget) => Promise<T>,
): Promise<T> {
  if (options.data === undefined) return await work(new DeadLetterClient(endpoint(options), io.signal));
  return await withFolder(options, io, checkStore, ({ deadLetters }) =>
    work({
      list: (request) => deadLetters.list(request, io.signal),
      show: (request) => deadLetters.show(request, io.signal),
      retry: (request) => deadLetters.retry(request, io.signal),
    }),
  );
}

async function checkStore({ store, data }: Settings): Promise<void> {
  if (store !== 'leveldb') return;
  const folders = new GraphFolders(data);
  const { live } = await folders.pointer();
  if (folders.isThere(live)) return;
  throw new RefusedError(
    'STORE_MISSING',
    `There is no store in ${folders.folderOf(live)}: name the folder that \`jg up\` keeps its data in with --data.`,
  );
}
