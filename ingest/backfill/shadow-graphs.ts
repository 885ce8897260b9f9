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

  constructor(open: (name: string) => Promise<G>) {
    this.#open = open;
  }

  isUsed(name: string): boolean {
    return this.#opened.has(name);
  }

  /** Rejects as opening does; a next one tries again. */
  async use(name: string): Promise<GraphUse<G>> {
    for (let found = this.#opened.get(name); ; found = this.#opened.get(name)) {
      if (found === undefined || found.closed === null) break;
      await found.closed;
    }
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
