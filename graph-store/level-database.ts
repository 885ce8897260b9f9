import { ClassicLevel, type Iterator } from 'classic-level';

type Resource = Parameters<ClassicLevel['attachResource']>[0];
/** What `close` does when nobody reads, or has closed it before. */
type Closing = { readonly _close: () => Promise<void> };

/**
 * LevelDB's handle, which reads leave little garbage behind. V8 24 takes what `abstract-level` makes to close an iterator for alive until its next full collection, so that all that a read
 * made is promoted with it: some 0.8 KB each, and a server that reads a thousand times a second stood still for tens of milliseconds every few seconds. It is so of
 * - a closure over `this` that is kept in a field of it, as `close` does; {@link closeUnread} does without;
 * - a `Set` to which is added and from which is deleted all the time: it gets a new table after every few, and the old one points to it, so that one table which has come into the old
 *   generation keeps those behind it. Open iterators and snapshots are in an array here.
 *
 * Measured in docs/decisions/0020-promoted-by-reads.md.
 */
export class LevelDatabase extends ClassicLevel<Buffer, Buffer> {
  readonly #open: Resource[] = [];
  #isClosing = false;

  override attachResource(resource: Resource): void {
    this.#open.push(resource);
  }

  override detachResource(resource: Resource): void {
    const at = this.#open.lastIndexOf(resource);
    if (at < 0) return;
    const last = this.#open.pop();
    if (last !== undefined && at < this.#open.length) this.#open[at] = last;
  }

  /** Of one that nobody reads, has closed or uses any more: the binding trusts that. */
  async closeUnread<Value>(iterator: Iterator<LevelDatabase, Buffer, Value>): Promise<void> {
    // One that is not open any more, or that this handle is closing: the binding ends the process when it is told twice.
    if (this.#isClosing || !this.#open.includes(iterator) || !closesPlainly(iterator)) {
      await iterator.close();
      return;
    }
    this.detachResource(iterator);
    await iterator._close();
  }

  /** Closes what is open first, as the database it extends does. */
  override async close(): Promise<void> {
    this.#isClosing = true;
    try {
      // Whoever reads on may open another one meanwhile; from the last look to the status that refuses it there is no turn.
      while (this.#open.length > 0) await Promise.all(this.#open.map((resource) => resource.close()));
      await super.close();
    } finally {
      this.#isClosing = false;
    }
  }
}

function closesPlainly<T extends object>(iterator: T): iterator is T & Closing {
  return '_close' in iterator && typeof iterator._close === 'function';
}
