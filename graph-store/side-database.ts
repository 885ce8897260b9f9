import type { ClassicLevel } from 'classic-level';
import type { OutageError, StopError } from '../foundation/index.ts';
import { hasFormat, isLevelError, type OpenFailures, openFailureOf } from './level-folder.ts';

export interface SideDatabaseFailures extends OpenFailures {
  readonly otherFormat: (found: string) => StopError;
  readonly unread: (cause: Error) => OutageError;
  readonly unwritten: (cause: Error) => OutageError;
}

/** A LevelDB beside the graph's, in a folder of its own. Its owner says what goes into it, and what its failures are called. */
export class SideDatabase<Key> {
  readonly #db: ClassicLevel<Key, Buffer>;
  readonly #failures: SideDatabaseFailures;

  private constructor(db: ClassicLevel<Key, Buffer>, failures: SideDatabaseFailures) {
    this.#db = db;
    this.#failures = failures;
  }

  /**
   * What `load` makes of it. LevelDB reads tables only when they are asked for, so damage shows as late as then; whatever fails, nothing is left open.
   * Throws what `locked`, `corrupt` and `failed` say, and what `load` throws.
   */
  static async open<Key, T>(
    db: ClassicLevel<Key, Buffer>,
    failures: SideDatabaseFailures,
    load: (side: SideDatabase<Key>) => Promise<T>,
  ): Promise<T> {
    try {
      await db.open();
      return await load(new SideDatabase(db, failures));
    } catch (error) {
      await db.close();
      throw isLevelError(error) ? openFailureOf(error, failures) : error;
    }
  }

  /** False when nothing is in it yet. Throws what `otherFormat` says. */
  async hasFormat(key: Key, format: string): Promise<boolean> {
    return await hasFormat(this.#db, key, [format], this.#failures.otherFormat);
  }

  /** Marks it when nothing is in it yet. Throws what `otherFormat` says. */
  async claim(key: Key, format: string): Promise<void> {
    if (!(await this.hasFormat(key, format))) await this.#db.put(key, Buffer.from(format), { sync: true });
  }

  /** Throws what `unread` says. */
  async read<T>(read: (db: ClassicLevel<Key, Buffer>) => Promise<T>): Promise<T> {
    try {
      return await read(this.#db);
    } catch (cause) {
      throw isLevelError(cause) ? this.#failures.unread(cause) : cause;
    }
  }

  /** Throws what `unwritten` says. */
  async write<T>(write: (db: ClassicLevel<Key, Buffer>) => Promise<T>): Promise<T> {
    try {
      return await write(this.#db);
    } catch (cause) {
      throw isLevelError(cause) ? this.#failures.unwritten(cause) : cause;
    }
  }

  async close(): Promise<void> {
    await this.#db.close();
  }
}
