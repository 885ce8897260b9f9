import { readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** More locks of one file, or more open files of a process, than are looked through. */
const candidatesMax = 16;
const filesMax = 65_536;

/**
 * The process that has LevelDB's lock of a folder, by what Linux tells of locks; null where it tells nothing: on other systems, of a process in another container or of
 * another user, or when the lock is free by now. It is for messages alone. A file with a process's number in it would be wrong behind a crash or in a copy.
 */
export async function lockHolderOf(folder: string): Promise<number | null> {
  try {
    const path = await realpath(join(folder, 'LOCK'));
    const { ino } = await stat(path);
    const found = (await readFile('/proc/locks', 'utf8')).matchAll(
      / POSIX +ADVISORY +WRITE +(\d+) \S+:(\d+) /g,
    );
    const candidates = [...found].filter(([, , inode]) => inode === String(ino)).slice(0, candidatesMax);
    // Numbers of files are unique in a file system alone, and what it is called there and here differs where one lies over another.
    for (const [, pid = ''] of candidates) if (await hasOpen(pid, path)) return Number(pid);
    return null;
  } catch (error) {
    if (isOfSystem(error)) return null;
    throw error;
  }
}

async function hasOpen(pid: string, path: string): Promise<boolean> {
  const files = (await readdir(`/proc/${pid}/fd`)).slice(0, filesMax);
  const targets = await Promise.all(
    files.map(async (file) => {
      try {
        return await readlink(`/proc/${pid}/fd/${file}`);
      } catch (error) {
        // Closed since it was listed.
        if (isOfSystem(error)) return null;
        throw error;
      }
    }),
  );
  return targets.includes(path);
}

function isOfSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
