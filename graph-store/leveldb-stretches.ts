import { OutageError } from '../foundation/index.ts';
import type { Level } from './level.ts';
import { isLevelError } from './level-folder.ts';
import { readFailure, writeFailureText } from './leveldb-open.ts';
import { folderFormat, graphRange, metaKey } from './rows.ts';
import { eventTimeOf, Stretches } from './stretches.ts';

const chunkRows = 4096;

/**
 * Before the first claim. A store of the format before has to know its newest event before a second stretch can begin: each key is read, once. It is of the present format from then on, for
 * an older version would write newer events without saying so. Keys that say nothing are passed over: `verify` names them.
 */
export async function completeStretches(db: Level): Promise<void> {
  const [row, format] = await db.getMany([metaKey.stretches, metaKey.format]);
  if (row !== undefined && format?.toString() === folderFormat) return;
  await putStretches(db, await readEvents(db));
}

async function readEvents(db: Level): Promise<Stretches> {
  const stretches = new Stretches();
  await using rows = db.raw.iterator({
    ...graphRange,
    ...{ values: false, valueEncoding: 'utf8', fillCache: false },
  });
  for (;;) {
    const chunk = await rows.nextv(chunkRows);
    if (chunk.length === 0) break;
    for (const [key] of chunk) {
      const timeMs = eventTimeOf(key);
      if (timeMs !== null) stretches.note(timeMs);
    }
  }
  // Compressed, and so less than it counts later on: what was there before is a stretch, or most of one.
  stretches.noteBytes(stretches.firstByteOf(0), await db.raw.approximateSize(graphRange.gte, graphRange.lt));
  return stretches;
}

/** Throws OutageError STORE_WRITE_FAILED. */
async function putStretches(db: Level, stretches: Stretches): Promise<void> {
  const batch = db.batch();
  batch.put(metaKey.stretches, stretches.encode());
  batch.put(metaKey.format, Buffer.from(folderFormat));
  try {
    await batch.write({ sync: true });
  } catch (cause) {
    if (!isLevelError(cause)) throw cause;
    throw new OutageError('STORE_WRITE_FAILED', writeFailureText(db.raw.location, cause), { cause });
  }
  await db.readStretches();
}

/** All claims of one session wait for the same reading: a second one could overwrite what was applied since the first. One that failed has failed for its session. */
export class StretchesCompletion {
  readonly #db: Level;
  #done: Promise<void> | null = null;
  #hasFailed = false;

  constructor(db: Level) {
    this.#db = db;
  }

  /** LevelDB's log may hold a torn record then, and what is written behind it could be lost. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Throws OutageError STORE_READ_FAILED or STORE_WRITE_FAILED. */
  done(): Promise<void> {
    this.#done ??= completeStretches(this.#db).catch((cause: unknown) => {
      this.#hasFailed = true;
      throw readFailure(this.#db.raw.location, cause);
    });
    return this.#done;
  }
}
