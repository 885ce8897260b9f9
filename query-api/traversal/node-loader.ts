import type { GraphReader, NodeRef, NodeView } from '../../graph-store/index.ts';
import { tooLarge } from '../api-error.ts';
import { type GraphNode, graphNode } from '../graph-node-type.ts';
import type { TraversalBudget } from './traversal-budget.ts';
import { nodeBytes, nodesAtOnceMax } from './traversal-session.ts';
import { nodeKey } from './walked-edge.ts';

interface Waiting {
  readonly ref: NodeRef;
  readonly resolve: (view: NodeView | null) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Properties of the nodes of one answer, read only where the query selects a node, and then many at a time: all that GraphQL asks for in one
 * turn of the event loop. Bounded by the nodes of the answer, and by the request's bytes: beyond those it is an error at the node.
 */
export class NodeLoader {
  readonly #reader: Pick<GraphReader, 'nodes'>;
  readonly #budget: TraversalBudget;
  readonly #known: Map<string, Promise<NodeView | null>>;
  #waiting: Waiting[] = [];

  /** `known`: what a condition was asked about already. */
  constructor(
    reader: Pick<GraphReader, 'nodes'>,
    budget: TraversalBudget,
    known: ReadonlyMap<string, NodeView | null>,
  ) {
    this.#reader = reader;
    this.#budget = budget;
    this.#known = new Map([...known].map(([key, view]) => [key, Promise.resolve(view)]));
  }

  /** Null when it was deleted since. */
  async load(ref: NodeRef): Promise<GraphNode | null> {
    const key = nodeKey(ref);
    const found = this.#known.get(key) ?? this.#enqueue(ref);
    this.#known.set(key, found);
    const view = await found;
    return view === null ? null : graphNode(view);
  }

  #enqueue(ref: NodeRef): Promise<NodeView | null> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ref, resolve, reject });
      if (this.#waiting.length === 1) void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    await this.#budget.turn();
    const all = this.#waiting;
    this.#waiting = [];
    for (let at = 0; at < all.length; at += nodesAtOnceMax) {
      const chunk = all.slice(at, at + nodesAtOnceMax);
      try {
        this.#checkBytes();
        const views = await this.#reader.nodes(chunk.map(({ ref }) => ref));
        for (const [index, { resolve }] of chunk.entries()) resolve(this.#held(views[index] ?? null));
      } catch (error) {
        for (const { reject } of chunk) reject(error);
      }
      await this.#budget.turn();
    }
  }

  #checkBytes(): void {
    const { bytesLeft, bytesMax } = this.#budget;
    if (bytesLeft > 0) return;
    throw tooLarge(
      `The nodes of one query take at most ${bytesMax} bytes; lower a limit or select less.`,
      bytesMax,
    );
  }

  #held(view: NodeView | null): NodeView | null {
    if (view !== null) this.#budget.hold(1, nodeBytes(view));
    return view;
  }
}
