import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { OutageError } from '../foundation/index.ts';

/** Throws OutageError DATA_FOLDER_UNUSABLE. */
export async function makeDataFolder(folder: string): Promise<void> {
  try {
    await makePath(resolve(folder));
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
    throw new OutageError(
      'DATA_FOLDER_UNUSABLE',
      `The data folder ${folder} cannot be made (${folderReasons[code] ?? code}): name another with --data.`,
      { cause },
    );
  }
}

const folderReasons: Readonly<Record<string, string>> = {
  ENOENT: 'nothing can be made there',
  EEXIST: 'there is a file of that name',
  ENOTDIR: 'part of its path is a file',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
};

/** Folder by folder: Node's own recursive way never returns where a folder exists and none can be made in it, such as /proc. */
async function makePath(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return;
    const parent = dirname(folder);
    if (code !== 'ENOENT' || parent === folder || existsSync(parent)) throw error;
    await makePath(parent);
    await makePath(folder);
  }
}
