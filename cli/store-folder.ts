import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { JourneyGraphError, RefusedError, StopError } from '../foundation/index.ts';
import { type EmbeddedStore, openLevelStore } from '../graph-store/index.ts';
import type { CommandIo } from './command-io.ts';

/** The store of a data folder, while no server has it open. */
export async function openStoreFolder(data: string, io: CommandIo): Promise<EmbeddedStore> {
  const folder = join(data, 'store');
  if (!existsSync(join(folder, 'CURRENT'))) {
    throw new RefusedError(
      'STORE_MISSING',
      `There is no store in ${folder}: name the folder that \`jg up\` keeps its data in with --data.`,
    );
  }
  return await openOrHint(folder, 'ask it with --url instead of --data, or stop it first', io);
}

/** The same, made when it is missing. */
export async function makeStoreFolder(data: string, io: CommandIo): Promise<EmbeddedStore> {
  return await openOrHint(join(data, 'store'), 'stop it first, or name another folder with --data', io);
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
