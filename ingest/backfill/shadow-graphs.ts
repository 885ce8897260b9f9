import { assert } from '../../foundation/index.ts';

/** What is opened for whoever uses it. */
interface Closable {
  close(): Promise<void>;
}

interface Opened<G> {
  readonly graph: Promise<G>;
  users: number;
  /** Null until the last user has gone. Never rejects. */
  closed: Promise<void> | null;
}

export interface GraphUse<G> {
  readonly graph: G;
  /** Once. Behind the last one the graph is closed. */
  release(): Promise<void>;
}

/** Graphs beside the live one that are in use: each is opened once for all of its users, since its folder can be opened once alone. */
export class ShadowGraphs<G extends Closable> {
  readonly #open: (name: string) => Promise<G>;
  /** As many as there are users at most. */
  readonly #opened = new Map<string, Opened<G>>();
  /** Until when nobody gets which graph. Never reject. One, since graphs are dropped one at a time. */
  readonly #withheld = new Map<string, Promise<void>>();

  constructor(open: (name: string) => Promise<G>) {
    this.#open = open;
  }

  isUsed(name: string): boolean {
    return this.#opened.has(name);
  }

  /** Rejects as opening does; a next one tries again. */
  async use(name: string): Promise<GraphUse<G>> {
    for (let until = this.#awaited(name); until !== null; until = this.#awaited(name)) await until;
    const opened = this.#opened.get(name) ?? { graph: this.#open(name), users: 0, closed: null };
    this.#opened.set(name, opened);
    opened.users += 1;
    try {
      const graph = await opened.graph;
      return { graph, release: () => this.#release(name, opened, graph) };
    } catch (error) {
      this.#forget(name, opened);
      throw error;
    }
  }

  /**
   * Runs `work` on a graph that nobody uses, as {@link isUsed} said in the same turn. Who wants the graph meanwhile waits, and opens what is there then: after a
   * look alone, a replay that begins while `work` waits for something would lose its graph under it.
   */
  async withhold<T>(name: string, work: () => Promise<T>): Promise<T> {
    assert(!this.isUsed(name) && !this.#withheld.has(name), 'what somebody has is not withheld');
    const over = Promise.withResolvers<void>();
    this.#withheld.set(name, over.promise);
    try {
      return await work();
    } finally {
      this.#withheld.delete(name);
      over.resolve();
    }
  }

  /** What to wait for before the graph is opened, or used by one more; null for nothing. */
  #awaited(name: string): Promise<void> | null {
    return this.#withheld.get(name) ?? this.#opened.get(name)?.closed ?? null;
  }

  async #release(name: string, opened: Opened<G>, graph: G): Promise<void> {
    opened.users -= 1;
    if (opened.users > 0) return;
    const closing = graph.close().finally(() => this.#forget(name, opened));
    // Who waits for it only wants to know that it is over; its own caller hears how.
    opened.closed = closing.then(noop, noop);
    await closing;
  }

  #forget(name: string, opened: Opened<G>): void {
    if (this.#opened.get(name) === opened) this.#opened.delete(name);
  }
}

function noop(): void {
  return;
}
