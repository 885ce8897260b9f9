import { RefusedError, StopError } from '../foundation/index.ts';
import {
  type CompareEvent,
  type EmbeddedStore,
  encodeSource,
  liveSources,
  type SourceJson,
  type SourceStatus,
  type SwitchableStore,
} from '../graph-store/index.ts';
import type { GraphUse, ShadowGraphs, SourceEnd } from '../ingest/index.ts';
import type { ListedGraph, Switched } from '../query-api/index.ts';
import type { GraphFolders, GraphPointer } from './graph-folders.ts';

export interface GraphSwitchParts {
  readonly folders: GraphFolders;
  /** The one in force; null where nobody uses the data folder. */
  readonly inForce: SwitchableStore | null;
  /** Those that replays write to; null where nobody uses the data folder. */
  readonly shadows: ShadowGraphs<EmbeddedStore> | null;
  /** Opens a graph's store. Throws StopError STORE_LOCKED while somebody else has it open. */
  open(name: string): Promise<EmbeddedStore>;
  /** Tries it again for a moment while somebody else has that graph open. */
  patiently<T>(name: string, open: () => Promise<T>): Promise<T>;
  /** Of the logs that are read, as far as somebody reads them. */
  ends(): Promise<readonly SourceEnd[]>;
  /** Another graph is in force, in this very turn: partitions are claimed anew in it, and what was heard of the one before counts no more. */
  replaced(): void;
  readonly newId: () => string;
}

/** Changes which graph of a data folder is live. One at a time. */
export class GraphSwitch {
  readonly #parts: GraphSwitchParts;
  #isBusy = false;
  /** The last list, switch or drop that was asked for: each opens graphs, and a graph can be opened once. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: GraphSwitchParts) {
    this.#parts = parts;
  }

  /** Waits for a switch or a drop, and they for it; beside a drop it would make an empty graph where the dropped one was. */
  list(): Promise<readonly ListedGraph[]> {
    return this.#inTurn(() => this.#list());
  }

  async #list(): Promise<readonly ListedGraph[]> {
    const { folders } = this.#parts;
    const pointer = await folders.pointer();
    const listed: ListedGraph[] = [];
    for (const name of await folders.names()) {
      const state = name === pointer.live ? 'live' : name === pointer.previous ? 'previous' : 'shadow';
      listed.push({
        name,
        state,
        folder: folders.folderOf(name),
        sources: await this.#sourcesOf(name, state),
      });
    }
    return listed;
  }

  /** Begins when its first event is asked for, behind a list, a switch or a drop. Throws RefusedError (GRAPH_UNKNOWN, GRAPH_NAME_INVALID). */
  async comparison(
    store: EmbeddedStore,
    other: string,
    differencesMax: number,
  ): Promise<AsyncGenerator<CompareEvent>> {
    this.#checkThere(other);
    const folder = this.#parts.folders.folderOf(other);
    return this.#begun(other, () => store.compare(folder, differencesMax));
  }

  /** With its first event the other graph is open, and locked: what opens graphs for a moment comes before or behind that. */
  async *#begun(other: string, begin: () => AsyncGenerator<CompareEvent>): AsyncGenerator<CompareEvent> {
    const { comparing, first } = await this.#inTurn(() =>
      this.#parts.patiently(other, async () => {
        const comparing = begin();
        return { comparing, first: await comparing.next() };
      }),
    );
    try {
      if (first.done !== true) yield first.value;
      yield* comparing;
    } finally {
      await comparing.return(undefined);
    }
  }

  /** Throws RefusedError (GRAPH_UNKNOWN, GRAPH_INCOMPLETE, GRAPH_BEHIND, GRAPH_GAP, GRAPH_BUSY); then it has changed nothing. */
  switchTo(name: string, behindMax: bigint): Promise<Switched> {
    return this.#alone(
      async () => await this.#switchTo(name, await this.#parts.folders.pointer(), behindMax),
    );
  }

  /** To the graph before. Throws RefusedError GRAPH_NO_PREVIOUS. */
  back(behindMax: bigint): Promise<Switched> {
    return this.#alone(async () => {
      const pointer = await this.#parts.folders.pointer();
      if (pointer.previous !== null) return await this.#switchTo(pointer.previous, pointer, behindMax);
      throw new RefusedError('GRAPH_NO_PREVIOUS', 'There was no other graph before this one.');
    });
  }

  /** Throws RefusedError (GRAPH_UNKNOWN, GRAPH_IN_FORCE, GRAPH_BUSY). */
  drop(name: string): Promise<void> {
    return this.#alone(async () => {
      const { folders, shadows } = this.#parts;
      const pointer = await folders.pointer();
      this.#checkThere(name);
      if (name === pointer.live)
        throw new RefusedError('GRAPH_IN_FORCE', `${name} is the live graph: switch to another one first.`);
      this.#checkUnused(name);
      const drop = (): Promise<void> => this.#drop(name, pointer);
      await (shadows === null ? drop() : shadows.withhold(name, drop));
    });
  }

  async #drop(name: string, pointer: GraphPointer): Promise<void> {
    const { folders, newId } = this.#parts;
    await closedNow(() => this.#open(name));
    if (name === pointer.previous) await folders.point({ ...pointer, previous: null });
    await folders.remove(name, newId());
  }

  async #switchTo(name: string, pointer: GraphPointer, behindMax: bigint): Promise<Switched> {
    const { folders, inForce, ends, replaced } = this.#parts;
    this.#checkThere(name);
    if (name === pointer.live) throw new RefusedError('GRAPH_IN_FORCE', `${name} is the live graph already.`);
    this.#checkUnused(name);
    const next = await this.#open(name);
    const opened = { isOurs: true };
    try {
      const before = await this.#liveSources(pointer);
      const positions = positionsOf(await next.sources());
      const behind = behindOf(before, positions, name);
      checkBehind(name, behind, behindMax);
      checkLogs(name, positionsOf(before), positions, await ends());
      const after = { live: name, previous: pointer.live };
      // From here on a start takes the new graph, whatever becomes of this process.
      await folders.point(after);
      if (inForce !== null) {
        const left = inForce.replace(next);
        opened.isOurs = false;
        replaced();
        await left.idle;
        await left.before.close();
      }
      return { ...after, behind: String(behind), missing: missingIn(before, positions) };
    } finally {
      if (opened.isOurs) await next.close();
    }
  }

  async #liveSources({ live }: GraphPointer): Promise<readonly SourceStatus[]> {
    const { inForce } = this.#parts;
    if (inForce !== null) return await inForce.sources();
    const store = await this.#open(live);
    try {
      return await store.sources();
    } finally {
      await store.close();
    }
  }

  async #sourcesOf(name: string, state: ListedGraph['state']): Promise<readonly SourceJson[] | null> {
    const { inForce } = this.#parts;
    if (state === 'live' && inForce !== null) return (await inForce.sources()).map(encodeSource);
    try {
      const { graph, release } = await this.#use(name);
      try {
        return (await graph.sources()).map(encodeSource);
      } finally {
        await release();
      }
    } catch (error) {
      if (error instanceof StopError) return null;
      throw error;
    }
  }

  #open(name: string): Promise<EmbeddedStore> {
    const { patiently, open } = this.#parts;
    return patiently(name, () => open(name));
  }

  /** Shares what a replay has open. Waits for nobody: a list says of a graph that it is open elsewhere. */
  async #use(name: string): Promise<GraphUse<EmbeddedStore>> {
    const { shadows, open } = this.#parts;
    if (shadows?.isUsed(name) === true) return await shadows.use(name);
    const graph = await open(name);
    return { graph, release: () => graph.close() };
  }

  #checkUnused(name: string): void {
    if (this.#parts.shadows?.isUsed(name) !== true) return;
    throw new RefusedError(
      'GRAPH_BUSY',
      `A backfill writes to graph ${name}: wait for it, or end it with \`jg backfill cancel\`.`,
    );
  }

  #checkThere(name: string): void {
    if (this.#parts.folders.isThere(name)) return;
    throw new RefusedError(
      'GRAPH_UNKNOWN',
      `There is no graph ${name}; \`jg graph list\` shows those there are.`,
    );
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isBusy)
      throw new RefusedError(
        'GRAPH_BUSY',
        'Graphs are being switched or dropped already; ask again after that.',
      );
    this.#isBusy = true;
    try {
      return await this.#inTurn(work);
    } finally {
      this.#isBusy = false;
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = Promise.allSettled([done]);
    return done;
  }
}

/** Its lock says that nobody has it open; what is damaged, or was not restored to its end, is there to be removed all the same. */
async function closedNow(open: () => Promise<EmbeddedStore>): Promise<void> {
  try {
    await (await open()).close();
  } catch (error) {
    if (!(error instanceof StopError) || error.code === 'STORE_LOCKED') throw error;
  }
}

const keyOf = ({ source }: Pick<SourceStatus, 'source'>): string =>
  JSON.stringify([source.cluster, source.topicId, source.partition]);

type Positions = ReadonlyMap<string, bigint>;

function positionsOf(sources: readonly SourceStatus[]): Positions {
  return new Map(sources.map((status) => [keyOf(status), status.next]));
}

/** How many records of the topics as they flow the other graph has not seen. Throws RefusedError GRAPH_INCOMPLETE. */
function behindOf(live: readonly SourceStatus[], next: Positions, name: string): bigint {
  let behind = 0n;
  for (const status of liveSources(live)) {
    if (status.next === 0n) continue;
    const position = next.get(keyOf(status));
    if (position === undefined) {
      const { topic, partition } = status.source;
      throw new RefusedError(
        'GRAPH_INCOMPLETE',
        `Graph ${name} has no position of partition ${partition} of topic ${topic}: only a graph that was filled by a whole replay, or from a snapshot, can be switched to.`,
      );
    }
    if (position < status.next) behind += status.next - position;
  }
  return behind;
}

/** Lives that are none of a topic's own, and that the other graph has not, or not as far. */
function missingIn(live: readonly SourceStatus[], next: Positions): readonly string[] {
  const flowing = new Set(liveSources(live));
  const missing = live.filter(
    (status) => !flowing.has(status) && (next.get(keyOf(status)) ?? 0n) < status.next,
  );
  return [...new Set(missing.map(({ source }) => `${source.topicId} of ${source.topic}`))];
}

/**
 * Throws RefusedError GRAPH_GAP where a log has lost what the graph would have to read again. A partition of which nothing was applied is
 * read from where its log begins, and nobody would be told: that is a gap too, unless the live graph has nothing of it either.
 */
function checkLogs(name: string, live: Positions, positions: Positions, ends: readonly SourceEnd[]): void {
  for (const end of ends) {
    const position = positions.get(keyOf(end)) ?? 0n;
    const isUnread = position === 0n && (live.get(keyOf(end)) ?? 0n) === 0n;
    if (position >= end.low || isUnread) continue;
    const { topic, partition } = end.source;
    throw new RefusedError(
      'GRAPH_GAP',
      `Graph ${name} stands at offset ${position} of partition ${partition} of topic ${topic}, and the log begins at ${end.low}: what lies between would be missing, so fill it further, from the archive or a newer snapshot.`,
    );
  }
}

function checkBehind(name: string, behind: bigint, behindMax: bigint): void {
  if (behind <= behindMax) return;
  throw new RefusedError(
    'GRAPH_BEHIND',
    `Graph ${name} is ${behind} records behind the live one, which it would read again from the log: pass --behind ${behind} to allow that.`,
  );
}
