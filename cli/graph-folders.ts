import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OutageError, RefusedError, StopError } from '../foundation/index.ts';
import { syncFolder } from './whole-file.ts';

/** Which graph is read and written, and which was before it. */
export interface GraphPointer {
  readonly live: string;
  readonly previous: string | null;
}

/** The graph that a data folder begins with. */
export const firstGraph = 'main';
const atFirst: GraphPointer = { live: firstGraph, previous: null };
const namePattern = /^[a-z0-9][a-z0-9-]{0,31}$/;
const droppedPrefix = '.dropped-';

/**
 * The graphs of a data folder: `store` is the first, the others are below `graphs`, and `graph.json` says which is live. That file is
 * replaced whole, so after a crash at any moment it says one or the other.
 */
export class GraphFolders {
  readonly #data: string;

  constructor(data: string) {
    this.#data = data;
  }

  /** Throws RefusedError GRAPH_NAME_INVALID. */
  folderOf(name: string): string {
    if (name === firstGraph) return join(this.#data, 'store');
    if (namePattern.test(name)) return join(this.#data, 'graphs', name);
    throw new RefusedError(
      'GRAPH_NAME_INVALID',
      'A graph is called by 1 to 32 small letters, digits and `-`, a letter or a digit first.',
    );
  }

  isThere(name: string): boolean {
    return existsSync(join(this.folderOf(name), 'CURRENT'));
  }

  /** Throws StopError GRAPH_POINTER_DAMAGED. */
  async pointer(): Promise<GraphPointer> {
    const path = join(this.#data, 'graph.json');
    if (!existsSync(path)) return atFirst;
    const found = pointerIn(await readFile(path, 'utf8'));
    if (found !== null) return found;
    throw new StopError(
      'GRAPH_POINTER_DAMAGED',
      `${path} does not say which graph is live: write {"live":"main","previous":null} into it for the graph in \`store\`, or name one of those in \`graphs\`.`,
    );
  }

  /** Durable when it resolves. Throws OutageError GRAPH_POINTER_FAILED, and then nothing has changed. */
  async point(pointer: GraphPointer): Promise<void> {
    const path = join(this.#data, 'graph.json');
    const temporary = `${path}.partial`;
    try {
      const file = await open(temporary, 'w');
      try {
        await file.writeFile(`${JSON.stringify(pointer)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
      await syncFolder(this.#data);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new OutageError(
        'GRAPH_POINTER_FAILED',
        `${path} cannot be written (${reason}): free space or correct permissions, then switch again.`,
        { cause },
      );
    }
  }

  /** Of all graphs that are there, the first one first. */
  async names(): Promise<readonly string[]> {
    const folder = join(this.#data, 'graphs');
    const found = existsSync(folder) ? await readdir(folder) : [];
    const names = found.filter((name) => namePattern.test(name) && name !== firstGraph).sort();
    return [firstGraph, ...names].filter((name) => this.isThere(name));
  }

  async make(name: string): Promise<string> {
    const folder = this.folderOf(name);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** Under another name, with an `id` that no other removal has, first: a crash in between leaves no half of a graph, and the rest goes with the next one. */
  async remove(name: string, id: string): Promise<void> {
    const graphs = join(this.#data, 'graphs');
    await mkdir(graphs, { recursive: true });
    await rename(this.folderOf(name), join(graphs, `${droppedPrefix}${id}`));
    await syncFolder(graphs);
    for (const left of await readdir(graphs))
      if (left.startsWith(droppedPrefix)) await rm(join(graphs, left), { recursive: true, force: true });
  }
}

/** Null when it is none. */
function pointerIn(text: string): GraphPointer | null {
  const found = parsed(text);
  if (typeof found !== 'object' || found === null || !('live' in found && 'previous' in found)) return null;
  const { live, previous } = found;
  if (typeof live !== 'string' || !namePattern.test(live)) return null;
  if (previous === null) return { live, previous };
  return typeof previous === 'string' && namePattern.test(previous) ? { live, previous } : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
