import type { EventOrigin } from './model.ts';

/**
 * The bytes of a packed batch. It never rests on disk and never leaves the process: both ends are of one build, so it has no
 * version, and its readers trust lengths and offsets. Hostile input is refused before, where a batch is packed.
 *
 *     event        tag, rank (8), inverted time (8), inverted occurrence (8), origin (2), offset (8)
 *                                                                                what follows belongs to it
 *     define       tag, length (2), hash (4), name `<type>\0<id>\0`             pointed at by the length's offset
 *     node         tag, node (4), length (4), properties sorted by name
 *     node-sets    as node, some of the properties being elements of sets
 *     edge         tag, from (4), to (4), type (1 + n), key (1 + n), length (4), properties
 *     step         tag, owner (4), length (4), value: domain, action, links, properties
 *     node-delete  tag, node (4)
 *     edge-delete  tag, from (4), to (4), type (1 + n), key (1 + n)
 *
 * The hash is room for the reader, who puts that of the name there: hash and name together are what a node's rows begin with. The origin is a place in the batch's list, counted from 1, or 0.
 * Properties: a varint count, then a name (1 + n), a value tag and its bytes. Integers are big-endian.
 */
export const tag = {
  event: 1,
  define: 2,
  node: 3,
  edge: 4,
  step: 5,
  nodeDelete: 6,
  edgeDelete: 7,
  nodeSets: 8,
} as const;

/** `cleared` and `element` (present: 0 or 1, then a value) are registers of a set; the others are values. */
export const valueTag = {
  null: 0,
  false: 1,
  true: 2,
  number: 3,
  integer: 4,
  text: 5,
  cleared: 6,
  element: 7,
} as const;

export const direction = { out: 1, in: 2 } as const;

/** In front of the event key, behind the tag. */
export const rankBytes = 8;
/** Inverted time and inverted occurrence: in byte order the newest event comes first. */
export const eventKeyBytes = 16;
/** Behind the event key: origin and offset. */
export const eventLineageBytes = 10;
export const nameLengthBytes = 2;
export const nodeHashBytes = 4;

/** What a store's thread receives: the bytes `[0, lengthBytes)` of `buffer`, in this format. */
export interface PackedMutations {
  readonly buffer: ArrayBuffer;
  readonly lengthBytes: number;
  readonly eventCount: number;
  /** What the events name by its place, counted from 1. */
  readonly origins: readonly EventOrigin[];
}
