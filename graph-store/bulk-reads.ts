import type { NodeView } from './graph-store.ts';
import { type NodeRef, nodeIdBytesMax, type Property } from './model.ts';
import { hashAsciiName, hashNodeName } from './node-hash.ts';
import { type PackedIds, packIds } from './packed-ids.ts';

/** Nodes of one type, in the store's own order. */
export interface NodeScanQuery {
  readonly type: string;
  /** `next` of the page before; null for the beginning. */
  readonly after: Uint8Array | null;
  /** 1 or more. */
  readonly limit: number;
}

export interface NodeScanPage {
  readonly ids: readonly string[];
  /** Null when there are no more. */
  readonly next: Uint8Array | null;
  /**
   * Which share of all nodes of the type lies at or before the end of this page, from 0 to 1; null where the store's order is not that of chance, so
   * that its beginning says nothing about the rest.
   */
  readonly share: number | null;
}

/** Who is at the other end of one node's edges. */
export interface FarEndsQuery {
  readonly of: NodeRef;
  readonly type: string;
  readonly direction: 'out' | 'in';
  /** Ends of this type only. */
  readonly farType: string;
  /** `sinceMs` inclusive, `untilMs` exclusive. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** `next` of the page before; null for the beginning. */
  readonly after: Uint8Array | null;
  /** At most so many rows are looked at; 1 or more. */
  readonly scanMax: number;
  /** Which occurrences, by their properties; null for all, which spares reading them. Pure and quick: it is asked for every row. */
  readonly keep: ((properties: readonly Property[]) => boolean) | null;
}

export interface FarEndsPage {
  /** One for each visible occurrence, newest first: an end may come several times. */
  readonly ids: readonly string[];
  readonly scanned: number;
  /** Null when there are no more rows. */
  readonly next: Uint8Array | null;
}

/** {@link FarEndsPage} without a string an end. */
export interface PackedFarEndsPage extends Omit<FarEndsPage, 'ids'> {
  readonly ids: PackedIds;
}

export interface PropertiesQuery {
  readonly type: string;
  /** `readsAtOnceMax` at most. Nodes that lie near each other by {@link placeOf} are cheapest to ask for together. */
  readonly ids: readonly string[];
  readonly names: readonly string[];
}

/** Reads for work over hundreds of thousands of nodes: each page is of one moment, and cheap for what it tells. */
export interface BulkReads {
  /** Every node that has properties, once; stubs are left out, and there may be some of which nothing is left: `properties` answers null for these. */
  scan(query: NodeScanQuery): Promise<NodeScanPage>;
  /** What `adjacency` shows, ids alone; a cursor names a key, so that pages neither lose nor repeat under writes. */
  farEnds(query: FarEndsQuery): Promise<FarEndsPage>;
  /** What `farEnds` answers. Undefined where an engine's ends come as strings anyway: then that is to be asked. */
  readonly packedFarEnds?: ((query: FarEndsQuery) => Promise<PackedFarEndsPage>) | undefined;
  /**
   * Undefined, or null, where an engine's reads are another process's work anyway. `module`: the address of one that calls `serveBulkReads` when a
   * thread begins with it. The thread ends before the store is closed.
   */
  readonly openThread?: ((module: string) => BulkThread | null) | undefined;
  /** What `node` answers for each, without lineage and but for these properties. */
  properties(query: PropertiesQuery): Promise<readonly (NodeView['properties'] | null)[]>;
}

/** What a condition says of one node by its properties. */
export type NodeCheck = (properties: NodeView['properties']) => boolean;

/** Of each: whether a check holds; `unknown` of those that have no row of their own that can be seen, which `properties` answers. */
export const verdict = { no: 0, yes: 1, unknown: 2 } as const;

export interface CheckQuery extends PropertiesQuery {
  /** For that module; it goes from thread to thread. */
  readonly condition: unknown;
}

/** A second thread for the same reads, each of one moment, asked beside the first for a share of the work. Throws OutageError STORE_READ_FAILED when it has ended. */
export interface BulkThread {
  packedFarEnds(query: Omit<FarEndsQuery, 'keep'>): Promise<PackedFarEndsPage>;
  check(query: CheckQuery): Promise<Uint8Array>;
  /** Ends it, whatever is under way. Idempotent; never rejects. */
  stop(): Promise<void>;
}

const scratch = Buffer.allocUnsafeSlow(1024 + nodeIdBytesMax);

/** From 0 to 2^32 - 1, evenly spread: where the embedded store keeps a node. */
export function placeOf({ type, id }: NodeRef): number {
  return hashAsciiName(type, id) ?? placeOfBytes(type, id);
}

function placeOfBytes(type: string, id: string): number {
  const end = scratch.write(`${type}\0${id}\0`);
  return hashNodeName(scratch, 0, end);
}

export function onlyNamed(view: NodeView | null, names: readonly string[]): NodeView['properties'] | null {
  return view === null ? null : view.properties.filter(({ name }) => names.includes(name));
}

/** Of any engine. */
export async function packedFarEnds(bulk: BulkReads, query: FarEndsQuery): Promise<PackedFarEndsPage> {
  if (bulk.packedFarEnds !== undefined) return await bulk.packedFarEnds(query);
  const page = await bulk.farEnds(query);
  return { ...page, ids: packIds(query.farType, page.ids) };
}
