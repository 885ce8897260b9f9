import type { Snapshot } from 'classic-level';
import { ByteReader, decodeStepValue } from './codec.ts';
import { type DeletedTypes, decodeDeletedTypes } from './deleted-types.ts';
import { decodeGraphKey } from './graph-key.ts';
import type { EdgeRow, GraphTable, GraphTableRow, NodeRow, StepRow } from './graph-table.ts';
import type { Level } from './level.ts';
import { Moment } from './leveldb-moment.ts';
import { forwardRowChunks, originsAt } from './leveldb-snapshot.ts';
import { TableNodes } from './leveldb-table-nodes.ts';
import { type OriginRow, readLineage } from './lineage.ts';
import { expiredAt, graphRange, kindAt, metaKey, rowKind, rowKindOf } from './rows.ts';
import type { Expiry } from './time-to-live.ts';

type Row = readonly [key: Buffer, value: Buffer];

/** Of nodes: rows asked for at once, and how many bytes one answer may hold. Of a page: its rows and bytes; it ends with the chunk that reaches one. */
const chunkRowsMax = 1024;
const chunkBytesMax = 512 * 1024;
const pageRows = 4096;
const pageBytes = 2 ** 21;

const reading = { fillCache: false, highWaterMarkBytes: chunkBytesMax } as const;

/** Reads one table of a database as it was at one moment, in the order of its keys: the whole store once, whatever the table. */
export class LevelTableRows {
  readonly #db: Level;
  readonly #snapshot: Snapshot;
  readonly #expiry: Expiry;
  readonly #moment: Moment;
  readonly #originOf: (id: number) => OriginRow | null;

  constructor(db: Level, snapshot: Snapshot, expiry: Expiry) {
    this.#db = db;
    this.#snapshot = snapshot;
    this.#expiry = expiry;
    this.#originOf = originsAt(db, snapshot);
    this.#moment = new Moment(db, { snapshot, settled: 0 }, expiry, deletedTypes(db, snapshot));
  }

  /** Throws the signal's reason. */
  async *pages(table: GraphTable, signal?: AbortSignal): AsyncGenerator<readonly GraphTableRow[]> {
    let page: GraphTableRow[] = [];
    let bytes = 0;
    for await (const part of this.#parts(table)) {
      // Here, not once a page: of a rare type one page is the whole store.
      signal?.throwIfAborted();
      for (const row of part.rows) page.push(row);
      if (part.rows.length > 0) bytes += part.bytes;
      if (page.length < pageRows && bytes < pageBytes) continue;
      yield page;
      page = [];
      bytes = 0;
    }
    if (page.length > 0) yield page;
  }

  #parts(table: GraphTable): AsyncGenerator<Part> {
    switch (table.kind) {
      case 'nodes':
        return this.#nodes(table.type);
      case 'edges':
        return this.#forward((chunk) => this.#edges(chunk, table.type));
      default:
        return this.#forward((chunk) => this.#steps(chunk));
    }
  }

  async *#nodes(type: string): AsyncGenerator<Part> {
    const nodes = new TableNodes(type, this.#expiry, this.#originOf);
    await using iterator = this.#db.iterator({ ...graphRange, ...reading, snapshot: this.#snapshot });
    for (;;) {
      const chunk = await iterator.nextv(chunkRowsMax);
      const rows: NodeRow[] = [];
      for (const [key, value] of chunk) nodes.add(key, value, rows);
      const last = chunk.at(-1)?.[0];
      if (last === undefined) nodes.end(rows);
      yield { rows, bytes: bytesOf(chunk) };
      if (last === undefined) return;
      const next = nodes.passOver(last);
      if (next !== null) iterator.seek(next);
    }
  }

  async *#forward(take: (chunk: readonly Row[]) => Promise<readonly GraphTableRow[]>): AsyncGenerator<Part> {
    for await (const chunk of forwardRowChunks(this.#db, graphRange, this.#snapshot))
      yield { rows: await take(chunk), bytes: bytesOf(chunk) };
  }

  async #edges(chunk: readonly Row[], type: string): Promise<readonly EdgeRow[]> {
    const wanted = Buffer.from(`>${type}\0`);
    const found: EdgeRow[] = [];
    for (const [key, value] of chunk) {
      const at = kindAt(key);
      if (!key.subarray(at, at + wanted.length).equals(wanted)) continue;
      if (expiredAt(key, value, this.#expiry) !== null) continue;
      const decoded = decodeGraphKey(key);
      if (decoded.kind !== 'out') continue;
      const { node: from, other: to, key: edgeKey, timeMs, occurrence } = decoded;
      const reader = new ByteReader(value);
      const lineage = readLineage(reader, this.#originOf);
      const properties = reader.properties();
      found.push({ kind: 'edge', type, from, to, key: edgeKey, timeMs, occurrence, properties, lineage });
    }
    const startMs = await this.#moment.hiddenLinksMs(found.map(({ from }) => from));
    return await this.#moment.visible(
      found.filter(({ timeMs }, i) => timeMs > (startMs[i] ?? -1)),
      'out',
    );
  }

  async #steps(chunk: readonly Row[]): Promise<readonly StepRow[]> {
    const found: StepRow[] = [];
    for (const [key, value] of chunk) {
      if (rowKindOf(key) !== rowKind.step || expiredAt(key, value, this.#expiry) !== null) continue;
      const decoded = decodeGraphKey(key);
      if (decoded.kind !== 'step') continue;
      const { node: owner, timeMs, occurrence } = decoded;
      const reader = new ByteReader(value);
      const lineage = readLineage(reader, this.#originOf);
      found.push({ kind: 'step', owner, timeMs, occurrence, ...decodeStepValue(reader), lineage });
    }
    const ownerMs = await this.#moment.hiddenLinksMs(found.map(({ owner }) => owner));
    const visible = found.filter(({ timeMs }, i) => timeMs > (ownerMs[i] ?? -1));
    const endsMs = await this.#moment.hiddenLinksMs(
      visible.flatMap(({ links }) => links.map(({ node }) => node)),
    );
    let next = 0;
    return visible.map((step) => ({
      ...step,
      links: step.links.filter(() => step.timeMs > (endsMs[next++] ?? -1)),
    }));
  }
}

interface Part {
  readonly rows: readonly GraphTableRow[];
  /** Of what was read for them. */
  readonly bytes: number;
}

function bytesOf(chunk: readonly Row[]): number {
  return chunk.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
}

function deletedTypes(db: Level, snapshot: Snapshot): DeletedTypes {
  return decodeDeletedTypes(db.getSync(metaKey.deletedTypes, { snapshot }));
}
