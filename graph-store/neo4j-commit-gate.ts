/**
 * Reads and commits of one process take turns, because Neo4j would show a read that meets a commit a part of it. A commit waits for
 * the reads that have begun, reads that come later wait for the commit: both for as long as the server bounds a transaction, at most.
 * One commit at a time: the writer makes sure of that.
 * So one slow read stalls commits and later reads alike; letting reads pass a waiting commit instead would starve it under load.
 */
export class CommitGate {
  #reads = 0;
  #committed: Promise<void> | null = null;
  #lastReadEnded: (() => void) | null = null;

  async read<T>(work: () => Promise<T>): Promise<T> {
    while (this.#committed !== null) await this.#committed;
    this.#reads += 1;
    try {
      return await work();
    } finally {
      this.#reads -= 1;
      if (this.#reads === 0) this.#lastReadEnded?.();
    }
  }

  async commit(work: () => Promise<void>): Promise<void> {
    while (this.#committed !== null) await this.#committed;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#committed = promise;
    try {
      if (this.#reads > 0) {
        await new Promise<void>((ended) => {
          this.#lastReadEnded = ended;
        });
      }
      await work();
    } finally {
      this.#lastReadEnded = null;
      this.#committed = null;
      resolve();
    }
  }
}
