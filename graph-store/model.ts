/**
 * The graph's model: what an event may change and how changes combine.
 *
 * The algebra, which every adapter obeys and `conformance.ts` proves:
 *
 * - A *node* is a set of properties. Each property is a register: the write with the greatest
 *   (event time, source rank, encoded content) wins, whatever order writes arrive in.
 * - An *edge* is a set of occurrences. Occurrences are keyed by (edge type, from, to, event time,
 *   occurrence id), so applying one twice changes nothing. First seen, last seen, count and properties of an
 *   edge are folds over that set (min, max, size, last writer): none of them is ever incremented, so neither
 *   a replay, nor a producer's duplicate at another offset, nor a backfill can count twice.
 * - A *step* is keyed by (owner, event time, occurrence id), for the same reason.
 * - A delete is a tombstone with an event time; tombstones combine by max. A tombstone hides what is not
 *   newer than itself: properties, occurrences and steps with event time <= its own. Hiding happens when reading, so
 *   delete-before-create and late writes need no special case.
 * - A node exists when something newer than its tombstone mentions it: a node mutation, or an occurrence or
 *   step at it. A node known only from its edges has no properties yet; it is not hidden.
 * - An occurrence is visible when it is newer than the tombstones of its edge and of both its ends.
 * - A property can be a *set*: each element is a register of its own that says present or removed, and a replacement is one
 *   more register that hides the elements older than itself. Of a set the newest `setElementsMax` registers are kept; what falls out
 *   can never come back as one of the newest, so that bound depends on no order either.
 * - Time to live by type is a tombstone that moves: everything of a node or an edge of that type is hidden as though it had
 *   been deleted at now - ttl.
 * - Lineage (which record wrote something last) is kept beside content and is no part of it: it says how a row came here, and a
 *   duplicate at another offset may change it.
 */

/** 64-bit integers are bigint; every other number is a finite double. */
export type PropertyValue = null | boolean | number | bigint | string;

export type Property = readonly [name: string, value: PropertyValue];

/** What an event does to a multi-valued property. `replace`: these and no older ones. */
export interface SetChange {
  readonly set: 'add' | 'remove' | 'replace';
  readonly elements: readonly PropertyValue[];
}

export type NodeProperty = readonly [name: string, value: PropertyValue | SetChange];

export interface NodeRef {
  /** A node type of the graph schema: a GraphQL name, such as `Account`. */
  readonly type: string;
  /** 1 to 1,024 UTF-8 bytes without NUL. Hostile until {@link checkNodeId} has passed it. */
  readonly id: string;
}

export interface NodeMutation {
  readonly kind: 'node';
  readonly node: NodeRef;
  readonly properties: readonly NodeProperty[];
}

export interface EdgeMutation {
  readonly kind: 'edge';
  readonly type: string;
  readonly from: NodeRef;
  readonly to: NodeRef;
  /** Tells the edges of one type between two nodes apart, as an id does nodes; absent where there is one a pair. */
  readonly key?: string;
  readonly properties: readonly Property[];
}

/** Another node that a step touched, so that a journey reads without further look-ups. */
export interface StepLink {
  readonly edge: string;
  readonly direction: 'out' | 'in';
  readonly node: NodeRef;
}

export interface StepMutation {
  readonly kind: 'step';
  readonly owner: NodeRef;
  readonly domain: string;
  /** What happened, such as `watched`. */
  readonly action: string;
  readonly links: readonly StepLink[];
  readonly properties: readonly Property[];
}

export interface NodeDelete {
  readonly kind: 'node-delete';
  readonly node: NodeRef;
}

export interface EdgeDelete {
  readonly kind: 'edge-delete';
  readonly type: string;
  readonly from: NodeRef;
  readonly to: NodeRef;
  /** Deletes the edge of this key only; absent deletes the one without. */
  readonly key?: string;
}

export type Mutation = NodeMutation | EdgeMutation | StepMutation | NodeDelete | EdgeDelete;

/** All that one event changes: its mutations share one event time, one rank and one occurrence id. */
export interface EventMutations {
  /** Event time in milliseconds since the Unix epoch; a safe integer, 0 or more. */
  readonly timeMs: number;
  /** Between two writes of one time the higher rank wins; a safe integer, 0 or more, by the mapping. */
  readonly rank: number;
  /**
   * Which event this is, unsigned 64 bits: a hash of the mapping's declared event id or, without one, of the event's own
   * bytes. The same event sent twice has the same id.
   */
  readonly occurrence: bigint;
  readonly mutations: readonly Mutation[];
  /** Absent when nobody can say. */
  readonly lineage?: EventLineage;
}

/** What an event was read with: one object for all events of a schema and a mapping, so that a batch writes it once. */
export interface EventOrigin {
  /** Of the writer's schema in the registry; -1 where it goes by GUID. */
  readonly schemaId: number;
  /** Where the mapping is registered. */
  readonly subject: string;
  readonly version: number;
}

/** The topic and partition are those of the batch. */
export interface EventLineage {
  readonly offset: bigint;
  readonly origin: EventOrigin;
}

export const nodeIdBytesMax = 1024;
/** An edge's key is part of a row's key, as ids are. */
export const edgeKeyBytesMax = 255;
export const setElementsMax = 1000;
export const setElementBytesMax = 1024;
export const nameBytesMax = 128;
/** A node's row is merged whole at each change, so its texts have a bound. */
export const propertyTextBytesMax = 65_536;
