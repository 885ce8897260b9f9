import type { Snapshot } from 'classic-level';
import { must } from '../foundation/index.ts';
import { AdjacencyHeads } from './adjacency-heads.ts';
import { ByteReader } from './codec.ts';
import { type DeletedTypes, decodeDeletedTypes, nothingDeleted } from './deleted-types.ts';
import { digestRows } from './digest.ts';
import { EndsArena, ViewedEnds, viewsOf } from './ends-page.ts';
import { foldEdge } from './fold-edge.ts';
import { decodeGraphKey, reverseKey } from './graph-key.ts';
import type {
  AdjacencyPage,
  AdjacencyQuery,
  DegreeQuery,
  DegreeView,
  EdgeQuery,
  EdgeView,
  EndsPage,
  GraphDigest,
  GraphEstimate,
  JourneyPage,
  JourneyQuery,
  JourneyRows,
  Lineage,
  NodeView,
  SourceStatus,
} from './graph-store.ts';
import { HyperLogLog, relativeError } from './hyperloglog.ts';
import type { Level } from './level.ts';
import { chunkRowsMax, noRows, readOccurrences, sinceMsOf } from './leveldb-adjacency.ts';
import { scanDegree } from './leveldb-degree.ts';
import { readJourney } from './leveldb-journey.ts';
import { Moment } from './leveldb-moment.ts';
import { newestTouch } from './leveldb-newest-touch.ts';
import { type Entry, scanRows } from './leveldb-scan.ts';
import { decodeOrigin, type OriginRow, originKey, originsMax, readLineage } from './lineage.ts';
import { logicalRows } from './logical-rows.ts';
import type { NodeRef } from './model.ts';
import { decodeNodeRow } from './node-row.ts';
import { compareSources, decodePosition, statusOf } from './position.ts';
import { readEach } from './read-each.ts';
import { propertiesOf } from './register.ts';
import * as rows from './rows.ts';
import { journeyPageOfRows } from './step-rows.ts';
import { type HidingType, hidingTypeOf } from './swept-horizon.ts';
import type { Expiry } from './time-to-live.ts';
import type { WriteStamps } from './write-stamps.ts';

/** Reads of one call that are under way at once: enough to keep LevelDB's threads busy, few enough that what they hold stays small. */
const readsAtOnce = 32;
/** Of so many nodes on LevelDB's threads look for the rows; of fewer the way there and back would take longer than looking. */
const nodesOffThreadMin = 8;
const nodesOffThreadMax = 128;

/** About what a page of eight takes. */
const endsBytesOfPage = 400;

export interface ExpiredRows {
  readonly rows: readonly {
    readonly key: Buffer;
    readonly hiddenMs: number;
    readonly hiding: HidingType | null;
  }[];
  readonly scanned: number;
  /** Null when there are no rows behind these. */
  readonly next: Buffer | null;
}

/**
 * All reads, on the thread of whoever asks: they share the database with the writer's thread but never wait for it. Each read
 * looks at one snapshot, so it sees whole groups only.
 */
export class LevelReader {
  readonly #db: Level;
  readonly #expiry: () => Expiry;
  readonly #heads: AdjacencyHeads;
  readonly #stamps: WriteStamps;
  /** Null of one that is not there, so that rows can be decoded when the store is closed already. Bounded by `originsMax`, of the writer and here. */
  readonly #origins = new Map<number, OriginRow | null>();
  /** As read last, and what it says: it changes a few times in a store's life. */
  #deletedRow: Buffer | null = null;
  #deleted: DeletedTypes = nothingDeleted;

  /** `expiry` answers for the moment at which it is called. */
  constructor(db: Level, expiry: () => Expiry, heads: AdjacencyHeads, stamps: WriteStamps) {
    this.#db = db;
    this.#expiry = expiry;
    this.#heads = heads;
    this.#stamps = stamps;
  }

  async node(ref: NodeRef): Promise<NodeView | null> {
    await using snapshot = this.#db.snapshot();
    const moment = this.#moment(snapshot);
    return await this.#node(ref, this.#db.getSync(rows.nodeKey(ref), { snapshot }), moment);
  }

  async nodes(refs: readonly NodeRef[], signal?: AbortSignal): Promise<readonly (NodeView | null)[]> {
    await using snapshot = this.#db.snapshot();
    const moment = this.#moment(snapshot);
    const found: (NodeView | null)[] = [];
    for (let at = 0; at < refs.length; at += nodesOffThreadMax) {
      signal?.throwIfAborted();
      const some = refs.slice(at, at + nodesOffThreadMax);
      const keys = some.map(rows.nodeKey);
      const stored =
        keys.length < nodesOffThreadMin
          ? keys.map((key) => this.#db.getSync(key, { snapshot }))
          : await this.#db.getMany(keys, { snapshot });
      const each = some.map((ref, i) => ({ ref, stored: stored[i] }));
      found.push(
        ...(await readEach(each, readsAtOnce, (one) => this.#node(one.ref, one.stored, moment), signal)),
      );
    }
    return found;
  }

  async adjacencies(
    queries: readonly AdjacencyQuery[],
    signal?: AbortSignal,
  ): Promise<readonly AdjacencyPage[]> {
    await using snapshot = this.#db.snapshot();
    const moment = this.#moment(snapshot);
    return await readEach(queries, readsAtOnce, (query) => this.#occurrences(query, moment), signal);
  }

  /** What is remembered is answered at once, without a promise for each node. */
  async ends(queries: readonly AdjacencyQuery[], signal?: AbortSignal): Promise<readonly EndsPage[]> {
    signal?.throwIfAborted();
    await using snapshot = this.#db.snapshot();
    const moment = this.#moment(snapshot);
    const arena = new EndsArena(queries.length * endsBytesOfPage);
    const pages = queries.map((query) => (moment.showsAll ? this.#keptEnds(query, moment, arena) : null));
    const others = [...pages.keys()].filter((i) => pages[i] === null);
    const read = await readEach(
      others.map((i) => ({ ...must(queries[i], 'a page answers a query'), endsOnly: true })),
      readsAtOnce,
      (query) => this.#ends(query, moment),
      signal,
    );
    let next = 0;
    return pages.map((page) => page ?? must(read[next++], 'each query is answered'));
  }

  /** Null where LevelDB has to be asked. */
  #keptEnds(query: AdjacencyQuery, moment: Moment, arena: EndsArena): EndsPage | null {
    if (!AdjacencyHeads.isFor(query)) return null;
    const span = rows.timeSpan(sinceMsOf(query, moment), query.untilMs);
    if (span === null) return new ViewedEnds(noRows, query.direction);
    return this.#heads.kept(query, span, moment.settled, arena);
  }

  async #ends(query: AdjacencyQuery, moment: Moment): Promise<EndsPage> {
    const page = AdjacencyHeads.isFor(query) ? await this.#head(query, moment) : null;
    return page ?? new ViewedEnds(await this.#rows(query, null, moment), query.direction);
  }

  /** From the newest rows; null where these are too little, or some of them are hidden and others would have to take their place. */
  async #head(query: AdjacencyQuery, moment: Moment): Promise<EndsPage | null> {
    const span = rows.timeSpan(sinceMsOf(query, moment), query.untilMs);
    if (span === null) return null;
    const kept = this.#heads.kept(query, span, moment.settled, new EndsArena(endsBytesOfPage));
    const page = kept ?? (await this.#heads.read(query, span, moment));
    if (page === null || moment.showsAll) return page;
    const { occurrences } = viewsOf(page);
    return (await moment.visible(occurrences, query.direction)).length === page.count ? page : null;
  }

  async #node(ref: NodeRef, stored: Buffer | undefined, moment: Moment): Promise<NodeView | null> {
    const hiddenMs = moment.hiddenMs(ref);
    const row = stored === undefined ? null : decodeNodeRow(stored);
    if (row !== null && row.mentionedMs > hiddenMs) {
      const lineage = this.#lineage(new ByteReader(stored ?? row.lineage, rows.timeLength));
      return { node: ref, properties: propertiesOf(row.registers, hiddenMs), lineage };
    }
    const newest = await newestTouch(this.#db, ref, hiddenMs, moment);
    if (newest === null || newest.timeMs <= hiddenMs) return null;
    const lineage = newest.value === null ? null : this.#lineage(new ByteReader(newest.value));
    return { node: ref, properties: [], lineage };
  }

  async journey(query: JourneyQuery): Promise<JourneyPage> {
    return journeyPageOfRows(await this.journeyRows(query));
  }

  async journeyRows(query: JourneyQuery): Promise<JourneyRows> {
    await using snapshot = this.#db.snapshot();
    return await readJourney(this.#db, this.#moment(snapshot), query, this.#originOf);
  }

  async adjacency(query: AdjacencyQuery): Promise<AdjacencyPage> {
    await using snapshot = this.#db.snapshot();
    return await this.#occurrences(query, this.#moment(snapshot));
  }

  async degree(query: DegreeQuery): Promise<DegreeView> {
    await using snapshot = this.#db.snapshot();
    return await scanDegree(this.#db, this.#moment(snapshot), query);
  }

  async edge(wanted: EdgeQuery): Promise<EdgeView | null> {
    await using snapshot = this.#db.snapshot();
    const { type, from, scanMax } = wanted;
    const query = {
      of: from,
      type,
      direction: 'out',
      sinceMs: 0,
      untilMs: Number.POSITIVE_INFINITY,
      // With a limit of its own a page that the bound ended would seem to be all.
      limit: Number.POSITIVE_INFINITY,
      scanMax,
    } as const;
    const page = await this.#rows(query, wanted, this.#moment(snapshot));
    return foldEdge(page.occurrences, wanted, page.truncated);
  }

  async sources(): Promise<readonly SourceStatus[]> {
    await using snapshot = this.#db.snapshot();
    return await this.#sources(snapshot);
  }

  async estimate(): Promise<GraphEstimate> {
    const [nodes, edges] = await this.#db.getMany([rows.metaKey.nodeEstimate, rows.metaKey.edgeEstimate]);
    return {
      nodes: new HyperLogLog(nodes).estimate(),
      edges: new HyperLogLog(edges).estimate(),
      relativeError,
    };
  }

  async digest(expiry: Expiry): Promise<GraphDigest> {
    await using snapshot = this.#db.snapshot();
    const sources = await this.#sources(snapshot);
    return { hex: await digestRows(logicalRows(this.#graphRows(snapshot), expiry)), sources };
  }

  /**
   * The rows that `expiry` hides, among the next `rowsMax`. An occurrence's other row, which may lie anywhere, goes with it: removed later, it would be
   * what is left of the occurrence under rules that become longer in between.
   */
  async expired(after: Uint8Array | null, rowsMax: number, expiry: Expiry): Promise<ExpiredRows> {
    const gte = after === null ? rows.graphRange.gte : Buffer.concat([after, Buffer.of(0)]);
    /** By its key: both rows of an occurrence may be among these. */
    const found = new Map<string, ExpiredRows['rows'][number]>();
    let scanned = 0;
    await using snapshot = this.#db.snapshot();
    for await (const [key, value] of scanRows(
      this.#db,
      { gte, lt: rows.graphRange.lt, reverse: false },
      rowsMax,
      snapshot,
    )) {
      scanned += 1;
      const hiddenMs = rows.expiredAt(key, value, expiry);
      if (hiddenMs !== null) {
        const what = decodeGraphKey(key);
        const keys = what.kind === 'out' || what.kind === 'in' ? [key, reverseKey(what)] : [key];
        const hiding = hidingTypeOf(what, expiry);
        for (const one of keys) found.set(one.toString('latin1'), { key: one, hiddenMs, hiding });
      }
      if (scanned >= rowsMax) return { rows: [...found.values()], scanned, next: key };
    }
    return { rows: [...found.values()], scanned, next: null };
  }

  /** Every row of the graph but the reverse ones, which repeat the forward ones. */
  async *#graphRows(snapshot: Snapshot): AsyncGenerator<Entry> {
    for await (const entry of scanRows(
      this.#db,
      { ...rows.graphRange, reverse: false },
      chunkRowsMax,
      snapshot,
    )) {
      if (rows.rowKindOf(entry[0]) !== rows.rowKind.in) yield entry;
    }
  }

  async #sources(snapshot: Snapshot): Promise<readonly SourceStatus[]> {
    const found: SourceStatus[] = [];
    for (const [, value] of await this.#db.iterator({ ...rows.positionRange, snapshot }).all()) {
      found.push(statusOf(decodePosition(value)));
    }
    return found.sort(compareSources);
  }

  #moment(snapshot: Snapshot): Moment {
    // In the turn in which the snapshot was taken: what is settled by now is in it.
    const stamped = { snapshot, settled: this.#stamps.settled };
    return new Moment(this.#db, stamped, this.#expiry(), this.#deletedTypes(snapshot));
  }

  async #occurrences(query: AdjacencyQuery, moment: Moment): Promise<AdjacencyPage> {
    const head = AdjacencyHeads.isFor(query) ? await this.#head(query, moment) : null;
    return head === null ? await this.#rows(query, null, moment) : viewsOf(head);
  }

  #rows(query: AdjacencyQuery, edge: EdgeQuery | null, moment: Moment): Promise<AdjacencyPage> {
    return readOccurrences(this.#db, moment, query, edge, this.#originOf);
  }

  async deletedTypes(): Promise<DeletedTypes> {
    return decodeDeletedTypes(await this.#db.get(rows.metaKey.deletedTypes));
  }

  #deletedTypes(snapshot: Snapshot): DeletedTypes {
    const stored = this.#db.getSync(rows.metaKey.deletedTypes, { snapshot });
    if (stored === undefined) return nothingDeleted;
    if (this.#deletedRow?.equals(stored) !== true) {
      this.#deletedRow = stored;
      this.#deleted = decodeDeletedTypes(stored);
    }
    return this.#deleted;
  }

  #lineage(reader: ByteReader): Lineage | null {
    return readLineage(reader, this.#originOf);
  }

  readonly #originOf = (id: number): OriginRow | null => {
    const known = this.#origins.get(id);
    if (known !== undefined) return known;
    const stored = this.#db.getSync(originKey(id));
    const origin = stored === undefined ? null : decodeOrigin(stored);
    // Of the writer's there are no more; a damaged graph may name any.
    if (this.#origins.size < originsMax) this.#origins.set(id, origin);
    return origin;
  };
}
