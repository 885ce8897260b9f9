import type { NodeRef, TimePosition } from '../../graph-store/index.ts';

/** A step as it was applied: where it lies in its owner's journey, and its place among all steps that the feed has seen. */
export interface AppliedStep extends TimePosition {
  readonly sequence: number;
}

/**
 * Which steps are being applied, in the order in which they become durable. Only places: what a step says is read from the
 * store when it is delivered, so that deletes, times to live and authorization hold for it as for any journey.
 *
 * Who calls what: each subscription calls `watch` once and `close` once; in between it is told by `changed`, within the turn in
 * which a step is recorded or forgotten, and asks for what comes next whenever its reader has room.
 */
export interface StepFeed {
  /** Which life of which process this is, and which graph of it is in force. Sequences of another one mean nothing here. */
  readonly epoch: bigint;
  /** False where other processes write the same graph: their steps are not seen. */
  readonly complete: boolean;
  /** Null when as many owners are watched as may be. `changed` must not throw. */
  watch(owner: NodeRef, changed: () => void): StepWatch | null;
}

/** One owner, as long as somebody listens. */
export interface StepWatch {
  /** The feed's when the watch began. Once the feed has another one nothing comes here any more; `changed` is called then. */
  readonly epoch: bigint;
  /** Of the newest step of all owners. */
  readonly sequence: number;
  /** Every step of the owner after this sequence is held. Grows. */
  readonly heldSince: number;
  /** True once every batch that was on its way to the store when the owner was not yet watched is settled; false when the signal aborts first. */
  ready(signal: AbortSignal): Promise<boolean>;
  /** The owner's first step after a sequence that is not below `heldSince`; null when there is none yet. */
  next(sequence: number): AppliedStep | null;
  /** True when a step is held after that sequence, or will be: it is on its way to the store now. */
  holds(place: TimePosition, sequence: number): boolean;
  /** Idempotent. */
  close(): void;
}
