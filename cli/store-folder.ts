import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RefusedError, StopError } from '../foundation/index.ts';
import { type EmbeddedStore, lockHolderOf, openLevelStore } from '../graph-store/index.ts';
import type { CommandIo } from './command-io.ts';
import { GraphFolders } from './graph-folders.ts';
import { isLocked, lockWaitSeconds, triedAgain } from './store-lock.ts';

export const askTheServer = 'ask it with --url instead of --data, or stop it first';

/** The store of a data folder, while no server has it open; `hint`: what to do when one has. Waits for a command that has it open. */
export async function openStoreFolder(
  data: string,
  io: CommandIo,
  hint: string = askTheServer,
): Promise<EmbeddedStore> {
  const folders = new GraphFolders(data);
  const folder = folders.folderOf((await folders.pointer()).live);
  return await waited(folder, hint, io, () => openGraphFolder(folder, io));
}

/** One of its graphs, if nobody has it open now. */
export async function openGraphFolder(folder: string, io: CommandIo): Promise<EmbeddedStore> {
  if (!existsSync(join(folder, 'CURRENT'))) {
    throw new RefusedError(
      'STORE_MISSING',
      `There is no store in ${folder}: name the folder that \`jg up\` keeps its data in.`,
    );
  }
  return await openLevelStore({ folder }, io.clock);
}

/** The live graph's, or that of another graph, made when it is missing. */
export async function makeStoreFolder(
  data: string,
  graph: string | null,
  io: CommandIo,
): Promise<EmbeddedStore> {
  const folders = new GraphFolders(data);
  const folder = await folders.make(graph ?? (await folders.pointer()).live);
  const hint = 'stop it first, or name another folder with --data';
  return await waited(folder, hint, io, () => openLevelStore({ folder }, io.clock));
}

/** Of a folder, or of a step that opens it; `hint`: what to do when a server has it open. */
export async function waited<T>(
  folder: string,
  hint: string,
  io: CommandIo,
  open: () => Promise<T>,
): Promise<T> {
  const waiting = (): void => {
    if (io.errIsTerminal) io.err(`Somebody has the store in ${folder} open; waiting for it …\n`);
  };
  try {
    return await triedAgain(open, io, waiting);
  } catch (error) {
    if (!isLocked(error)) throw error;
    const holder = await lockHolderOf(folder);
    const who = holder === null ? '' : ` (process ${holder})`;
    throw new StopError(
      'STORE_LOCKED',
      `A server or another command${who} has had the store in ${folder} open for ${lockWaitSeconds} s and more: ${hint}.`,
      { cause: error },
    );
  }
}
