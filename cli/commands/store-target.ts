import type { Command } from 'commander';
import { OutageError, RefusedError } from '../../foundation/index.ts';
import type { StoreStats, VerifyEvent } from '../../graph-store/index.ts';
import type { TableFormat, TableRequest } from '../../query-api/index.ts';
import type { CommandIo } from '../command-io.ts';
import { openMembers } from '../export-members.ts';
import { graphSchemaOfSettings } from '../export-schema.ts';
import { pageEncoder } from '../page-encoders.ts';
import { StoreClient } from '../store-client.ts';
import { openStoreFolder } from '../store-folder.ts';
import { storeOperations } from '../store-operations.ts';
import { addServerOptions, endpoint, type ServerOptions } from './server-option.ts';

export interface StoreOptions extends ServerOptions {
  readonly [setting: string]: unknown;
  readonly data?: string;
}

/** What the commands ask, of a server or of a folder. */
export interface StoreTarget {
  snapshot(): Promise<AsyncIterable<Uint8Array>>;
  verify(faultsMax: number): AsyncIterable<VerifyEvent>;
  stats(exact: boolean): Promise<StoreStats>;
  table(request: TableRequest): Promise<AsyncIterable<Uint8Array>>;
  members(id: string, format: TableFormat): Promise<AsyncIterable<Uint8Array>>;
}

/** A running server unless a data folder is named. */
export function addTargetOptions(command: Command): Command {
  return addServerOptions(command).option(
    '--data <folder>',
    'The data folder itself, while no server has it open.',
  );
}

/** Gives `work` the server or the opened folder, which is closed again behind it. */
export async function withTarget<T>(
  options: StoreOptions,
  io: CommandIo,
  work: (target: StoreTarget) => Promise<T>,
): Promise<T> {
  const { data } = options;
  if (data === undefined) return await work(serverTarget(options, io));
  if (options.url !== undefined) {
    throw new RefusedError(
      'STORE_TARGET',
      'Name either a running server with --url or its folder with --data, not both.',
    );
  }
  const store = await openStoreFolder(data, io);
  try {
    const operations = storeOperations(store, () => graphSchemaOfSettings(options, io), io.clock);
    return await work({
      snapshot: async () => bytesOf(await operations.openSnapshot(), io.signal),
      verify: (faultsMax) => operations.verify(faultsMax),
      stats: (exact) => unlessInterrupted(io.signal, () => operations.stats(exact, io.signal)),
      table: async (request) => bytesOf(await operations.openTable(request), io.signal),
      members: (id, format) => openMembers(data, id, format),
    });
  } finally {
    await store.close();
  }
}

function serverTarget(options: StoreOptions, io: CommandIo): StoreTarget {
  const client = new StoreClient(endpoint(options), io.signal);
  return {
    snapshot: () => client.snapshot(),
    verify: () => client.verify(),
    stats: (exact) => client.stats(exact),
    table: (request) => client.table(request),
    members: (id, format) => client.members(id, pageEncoder(format).mime),
  };
}

/** The next piece of a rare type may be the whole store away: whoever interrupts does not wait for it. */
async function* bytesOf(
  snapshot: AsyncDisposable & { bytes(): AsyncIterable<Uint8Array> },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const stop = (): void => void snapshot[Symbol.asyncDispose]();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  const pieces = snapshot.bytes()[Symbol.asyncIterator]();
  try {
    for (;;) {
      const piece = await unlessInterrupted(signal, () => pieces.next());
      if (piece.done === true) return;
      yield piece.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    await snapshot[Symbol.asyncDispose]();
  }
}

/** Reading that ends because it is interrupted is no fault of the store. */
async function unlessInterrupted<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!signal.aborted) throw cause;
    throw new OutageError('INTERRUPTED', 'Interrupted; nothing was changed.', { cause });
  }
}
