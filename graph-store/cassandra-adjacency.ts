import type { CassandraConnection } from './cassandra-connection.ts';
import type { CassandraKnowledge } from './cassandra-knowledge.ts';
import { readDeleted, readEdgeDeleted } from './cassandra-nodes.ts';
import { type KeyRange, type ScannedRow, scanSide } from './cassandra-side-scan.ts';
import { sideTables } from './cassandra-tables.ts';
import type { AdjacencyQuery, EdgeQuery, OccurrencePosition } from './graph-store.ts';
import { visible } from './merge.ts';
import type { Candidate, OccurrencesFound } from './occurrence-page.ts';
import { eventKeyBytes } from './packed-format.ts';
import * as rows from './rows.ts';
import type { Expiry } from './time-to-live.ts';

/** Rows whose tombstones are looked up together. */
const chunkRowsMax = 256;
const nothing = Buffer.alloc(0);

/** Keys of events with sinceMs <= time < untilMs, newest first; null when there can be none. */
export function eventRange(sinceMs: number, untilMs: number): KeyRange | null {
  return rows.timeRange(nothing, sinceMs, untilMs);
}

/** Where tombstones of types are looked for that had any, and nowhere else. */
export class Tombstones {
  readonly #connection: CassandraConnection;
  readonly #knowledge: CassandraKnowledge;
  readonly #nodes = new Map<string, Promise<number>>();

  constructor(connection: CassandraConnection, knowledge: CassandraKnowledge) {
    this.#connection = connection;
    this.#knowledge = knowledge;
  }

  async ofNode(ref: { readonly type: string; readonly id: string }): Promise<number> {
    if (!this.#knowledge.isNodeDeleted(ref.type)) return -1;
    const node = rows.nodePrefix(ref);
    const name = node.toString('latin1');
    const asked = this.#nodes.get(name) ?? readDeleted(this.#connection, node);
    this.#nodes.set(name, asked);
    return await asked;
  }

  async ofEdge({ of, type, direction }: AdjacencyQuery, { far, key }: OccurrencePosition): Promise<number> {
    if (!this.#knowledge.isEdgeDeleted(type)) return -1;
    const [from, to] = direction === 'out' ? [of, far] : [far, of];
    return await readEdgeDeleted(this.#connection, rows.edgeTombstoneKey(type, from, to, key));
  }
}

/** `edge`: only occurrences of that one are found, all are looked at. */
export async function readOccurrences(
  connection: CassandraConnection,
  knowledge: CassandraKnowledge,
  query: AdjacencyQuery,
  edge: EdgeQuery | null,
  expiry: Expiry,
  signal?: AbortSignal,
): Promise<OccurrencesFound> {
  signal?.throwIfAborted();
  const tombstones = new Tombstones(connection, knowledge);
  const { of, type, direction, limit, scanMax } = query;
  const ownMs = Math.max(await tombstones.ofNode(of), expiry.ofNode(of.type), expiry.ofEdge(type));
  const within = eventRange(Math.max(query.sinceMs, ownMs + 1), query.untilMs);
  const found: Candidate[] = [];
  let scanned = 0;
  let truncated = false;
  let last: Candidate | null = null;
  if (within === null) return { query, found, scanned, truncated, last };
  const range = rows.rangeAfter(within, nothing, query.after);
  const wanted = edge === null ? null : rows.otherEndMatcher(edge);
  const side = {
    table: direction === 'out' ? sideTables.out : sideTables.in,
    side: rows.adjacencyPrefix(of, direction, type),
    order: 'ascending',
    withValues: query.endsOnly !== true,
    rowsWanted: Math.min(limit, scanMax) + 1,
  } as const;
  const isVisible = async (candidate: Candidate): Promise<boolean> => {
    const [edgeMs, farMs] = await Promise.all([
      tombstones.ofEdge(query, candidate),
      tombstones.ofNode(candidate.far),
    ]);
    const toMs = Math.max(farMs, expiry.ofNode(candidate.far.type));
    return visible(candidate.timeMs, { edgeMs, toMs, fromMs: -1 });
  };
  const chunkRows = Math.max(1, Math.min(limit, scanMax, chunkRowsMax));
  for await (const chunk of chunksOf(scanSide(connection, { ...side, ...range }), chunkRows)) {
    signal?.throwIfAborted();
    const candidates = chunk.map(candidateOf);
    // What the scan will not come to is not looked up either.
    const looked = candidates.slice(0, scanMax - scanned);
    const shown = await Promise.all(
      looked.map(
        async (one, i) =>
          (wanted?.(chunk[i]?.key.subarray(eventKeyBytes) ?? nothing) ?? true) && (await isVisible(one)),
      ),
    );
    for (const [i, candidate] of candidates.entries()) {
      truncated = scanned >= scanMax;
      if (truncated) break;
      scanned += 1;
      last = candidate;
      if (shown[i] === true) found.push(candidate);
      if (found.length >= limit) break;
    }
    if (truncated || found.length >= limit) break;
  }
  return { query, found, scanned, truncated, last };
}

/** The rows of a side, so many together. */
export async function* chunksOf(
  scanned: AsyncIterable<ScannedRow>,
  size: number,
): AsyncGenerator<readonly ScannedRow[]> {
  let chunk: ScannedRow[] = [];
  for await (const row of scanned) {
    chunk.push(row);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

export function candidateOf({ key, value }: ScannedRow): Candidate {
  return { ...rows.readOccurrencePlace(key, 0), value };
}
