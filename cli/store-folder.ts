import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { JourneyGraphError, RefusedError, StopError } from '../foundation/index.ts';
import { type EmbeddedStore, openLevelStore } from '../graph-store/index.ts';
import type { CommandIo } from './command-io.ts';
import { GraphFolders } from './graph-folders.ts';

const askTheServer = 'ask it with --url instead of --data, or stop it first';

/** The store of a data folder, while no server has it open; `hint`: what to do when one has. */
export async function openStoreFolder(
  data: string,
  io: CommandIo,
  hint: string = askTheServer,
): Promise<EmbeddedStore> {
  const folders = new GraphFolders(data);
  return await openGraphFolder(folders.folderOf((await folders.pointer()).live), io, hint);
}

/** One of its graphs. */
export async function openGraphFolder(
  folder: string,
  io: CommandIo,
  hint: string = askTheServer,
): Promise<EmbeddedStore> {
  if (!existsSync(join(folder, 'CURRENT'))) {
    throw new RefusedError(
      'STORE_MISSING',
      `There is no store in ${folder}: name the folder that \`jg up\` keeps its data in.`,
    );
  }
  return await openOrHint(folder, hint, io);
}

/** The live graph's, or that of another graph, made when it is missing. */
export async function makeStoreFolder(
  data: string,
  graph: string | null,
  io: CommandIo,
): Promise<EmbeddedStore> {
  const folders = new GraphFolders(data);
  const folder = await folders.make(graph ?? (await folders.pointer()).live);
  return await openOrHint(folder, 'stop it first, or name another folder with --data', io);
}

/** `hint`: what to do when a server has it open. */
async function openOrHint(folder: string, hint: string, io: CommandIo): Promise<EmbeddedStore> {
  try {
    return await openLevelStore({ folder }, io.clock);
  } catch (error) {
    if (!(error instanceof JourneyGraphError) || error.code !== 'STORE_LOCKED') throw error;
    throw new StopError('STORE_LOCKED', `A server has the store in ${folder} open: ${hint}.`, {
      cause: error,
    });
  }
}
