import { must, systemClock } from '../../foundation/index.ts';
import {
  type AdjacencyPage,
  type AdjacencyQuery,
  createMutationBatch,
  type GraphReader,
  type GraphStore,
  type JourneyQuery,
  type NodeRef,
  openLevelStore,
  type SourcePartition,
} from '../../graph-store/index.ts';
import { compileMap, mapSettingsDefault, normalizers } from '../../processors/index.ts';
import { AvroSchema, compileMapping } from '../../schemas/index.ts';
import { accountId, benchSchema, benchTopic, titleId } from '../ingest/playback-events.ts';
import { PlaybackFacts } from '../ingest/playback-facts.ts';
import { type HopOptions, readHop } from './hops.ts';
import {
  limits,
  type ReadCost,
  type ReadData,
  type ReadName,
  type ReadTarget,
  readNames,
  rowsOfDegree,
} from './read-target.ts';

const source: SourcePartition = { cluster: 'bench', topic: benchTopic, topicId: benchTopic, partition: 0 };
const eventsPerBatch = 5000;
const batchesAtOnce = 4;
const degreeScanMax = 1000;
const stepBytesMax = 1024 * 1024;

/** What the product would hold after these events, written through the store's port without the rest of the product. */
export async function fillStore(
  folder: string,
  { events, facts, nowMs }: ReadData,
  settings: { readonly stretchBytes?: number } = {},
): Promise<void> {
  const { text } = await benchSchema();
  const subject = { subject: `${benchTopic}-value`, version: 1 };
  const map = compileMap(compileMapping(subject, new AvroSchema(text), normalizers), mapSettingsDefault);
  const origin = { schemaId: 1, ...subject };
  const decoded = await PlaybackFacts.start(facts);
  const store = await openLevelStore({ folder, ...settings }, systemClock);
  try {
    const { epoch } = await store.claim(source);
    const applying: Promise<unknown>[] = [];
    for (let done = 0; done < events; done += eventsPerBatch) {
      const size = Math.min(eventsPerBatch, events - done);
      const batch = createMutationBatch();
      for (const [index, event] of decoded.takeDecoded(size).entries()) {
        const { timeMs, rank, mutations } = must(map(event, nowMs), 'its mapping leaves nothing out');
        const offset = BigInt(done + index);
        batch.add({ timeMs, rank, occurrence: offset, mutations, lineage: { offset, origin } });
      }
      const fates = { consumed: size, applied: size, superseded: 0, filtered: 0, deadLettered: 0 };
      const from = BigInt(done);
      applying.push(
        store.apply({ source, epoch, from, next: from + BigInt(size), fates, newestEventMs: nowMs }, batch),
      );
      if (applying.length >= batchesAtOnce) await applying.shift();
    }
    await Promise.all(applying);
  } finally {
    await store.close();
  }
}

/** The store opened as the product opens it, read through its port. */
export class StoreTarget implements ReadTarget {
  readonly name: string;
  readonly answers = readNames;
  readonly #store: GraphStore;
  readonly #sinceMs: number;

  private constructor(name: string, store: GraphStore, nowMs: number) {
    this.name = name;
    this.#store = store;
    this.#sinceMs = nowMs - limits.lookbackMs;
  }

  static async open(name: string, folder: string, { nowMs }: ReadData): Promise<StoreTarget> {
    return new StoreTarget(name, await openLevelStore({ folder }, systemClock), nowMs);
  }

  async read(name: ReadName, subject: number): Promise<ReadCost> {
    const counted = new CountedReads(this.#store);
    const found = await this.#found(counted, name, subject);
    return { found, reads: counted.reads, scanned: counted.scanned };
  }

  #found(reads: CountedReads, name: ReadName, subject: number): Promise<number> {
    const account = { type: 'Account', id: accountId(subject) };
    const title = { type: 'Title', id: titleId(subject) };
    switch (name) {
      case 'latest20':
        return reads.latestSteps(account);
      case 'hop1':
        return walk(reads, title, [{ ...hop('in', 0, limits.hop1Edges), endsOnly: false }]);
      case 'hop2':
        return walk(reads, title, [hop('in', 0, limits.hop2Edges), eachNode('out', 0, limits.hop2Edges)]);
      case 'hop3': {
        const narrow = (direction: 'out' | 'in'): HopOptions =>
          hop(direction, this.#sinceMs, limits.hop3Edges);
        return walk(reads, account, [narrow('out'), narrow('in'), narrow('out')]);
      }
      case 'hop3wide': {
        const wide = (direction: 'out' | 'in'): HopOptions =>
          eachNode(direction, this.#sinceMs, limits.hop3Edges);
        return walk(reads, account, [wide('out'), wide('in'), wide('out')]);
      }
      case 'degree':
        return reads.degree(title);
    }
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

function hop(direction: 'out' | 'in', sinceMs: number, edgesMax: number): HopOptions {
  const { atOnce } = limits;
  return { type: 'WATCHED', direction, sinceMs, edgesMax, edgesOfNodeMax: edgesMax, atOnce, endsOnly: true };
}

function eachNode(direction: 'out' | 'in', sinceMs: number, edgesOfNodeMax: number): HopOptions {
  const all = hop(direction, sinceMs, Number.POSITIVE_INFINITY);
  return { ...all, edgesOfNodeMax, atOnce: limits.atOnceWide };
}

/** How many edges the last hop followed. */
async function walk(reads: CountedReads, start: NodeRef, hops: readonly HopOptions[]): Promise<number> {
  let frontier: readonly NodeRef[] = [start];
  let edges = 0;
  for (const options of hops) {
    const result = await readHop((queries) => reads.adjacencies(queries), frontier, options);
    frontier = result.reached;
    edges = result.edges;
  }
  return edges;
}

class CountedReads {
  reads = 0;
  scanned = 0;
  readonly #store: GraphReader;

  constructor(store: GraphReader) {
    this.#store = store;
  }

  async adjacencies(queries: readonly AdjacencyQuery[]): Promise<readonly AdjacencyPage[]> {
    const pages = await this.#store.adjacencies(queries);
    this.reads += 1;
    for (const { scanned } of pages) this.scanned += scanned;
    return pages;
  }

  async latestSteps(of: NodeRef): Promise<number> {
    const query: JourneyQuery = {
      of,
      sinceMs: 0,
      untilMs: Number.POSITIVE_INFINITY,
      domains: null,
      order: 'newest-first',
      after: null,
      limit: limits.steps,
      scanMax: 1000,
      bytesMax: stepBytesMax,
    };
    const page = await this.#store.journey(query);
    this.reads += 1;
    this.scanned += page.scanned;
    return page.steps.length;
  }

  async degree(of: NodeRef): Promise<number> {
    const query = {
      of,
      type: 'WATCHED',
      direction: 'in',
      sinceMs: 0,
      untilMs: Number.POSITIVE_INFINITY,
      scanMax: degreeScanMax,
    } as const;
    const view = await this.#store.degree(query);
    this.reads += 1;
    this.scanned += rowsOfDegree(view, degreeScanMax);
    return view.count;
  }
}
