import { FencedError, OutageError, unreachable } from '../foundation/index.ts';
import type { Advance, Fates, Restorable, SourcePartition, SourceStatus } from './graph-store.ts';
import type { Rejection } from './leveldb-protocol.ts';

export function positionKey(source: SourcePartition): string {
  return `p${JSON.stringify([source.cluster, source.topicId, source.partition])}`;
}

/** A position row; `next` is null for a partition that was claimed and never applied. */
export interface Position extends Omit<SourceStatus, 'next'> {
  readonly next: bigint | null;
}

export function encodePosition(position: Position): Buffer {
  return Buffer.from(JSON.stringify({ ...position, next: position.next?.toString() ?? null }));
}

export function decodePosition(bytes: Buffer): Position {
  const row: Omit<Position, 'next'> & { next: string | null } = JSON.parse(bytes.toString());
  return { ...row, next: row.next === null ? null : BigInt(row.next) };
}

export interface Partition {
  position: Position;
  /** Claimed since this store was opened; without it nothing is applied. */
  claimed: boolean;
}

const noFates: Fates = { consumed: 0, applied: 0, superseded: 0, filtered: 0, deadLettered: 0 };

export function claimed(source: SourcePartition, before: Position | undefined): Position {
  const position = before ?? { epoch: 0, next: null, fates: noFates, newestEventMs: 0 };
  return { ...position, source, epoch: position.epoch + 1 };
}

export function statusOf(position: Position): SourceStatus {
  return { ...position, next: position.next ?? 0n };
}

/** The way back: a status says 0 of a partition that was claimed and never applied, and no batch ends at 0. */
export function positionOf(status: SourceStatus): Position {
  return { ...status, next: status.next === 0n ? null : status.next };
}

/**
 * Whether a store holds this graph as it was restored there: it kept the graph's id, and nobody has claimed a partition since, which moves its epoch. Where somebody has,
 * the graph may have gone on, and is no longer the one of that id.
 */
export function isAsRestored(
  restoredId: string | null,
  now: readonly SourceStatus[],
  { id, sources }: Restorable,
): boolean {
  return id !== undefined && id === restoredId && epochsOf(now) === epochsOf(sources);
}

function epochsOf(sources: readonly SourceStatus[]): string {
  const epochs = sources.map(({ source, epoch, next }) => `${positionKey(source)} ${epoch} ${next}`);
  return epochs.sort().join('\n');
}

/** By topic, partition, then cluster and topic id, so that two lives of a topic have a fixed order. */
export function compareSources({ source: a }: SourceStatus, { source: b }: SourceStatus): number {
  return (
    compareText(a.topic, b.topic) ||
    a.partition - b.partition ||
    compareText(a.cluster, b.cluster) ||
    compareText(a.topicId, b.topicId)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Why a batch may not be applied; null when it may. */
export function refusal(request: Advance, partition: Partition | undefined): Rejection | null {
  const { topic, partition: number } = request.source;
  const name = `Partition ${number} of topic ${topic}`;
  if (partition === undefined || !partition.claimed) {
    return {
      reaction: 'outage',
      code: 'STORE_NOT_CLAIMED',
      message: `${name} was not claimed since the store was opened; claim it and go on from the position it answers.`,
    };
  }
  const { epoch, next } = partition.position;
  if (request.epoch !== epoch) {
    return {
      reaction: 'fenced',
      code: 'FENCED',
      message: `${name} belongs to epoch ${epoch} and the batch to ${request.epoch}; claim the partition again.`,
    };
  }
  if (next !== null && request.from < next) {
    return {
      reaction: 'fenced',
      code: 'FENCED',
      message: `${name} was applied up to offset ${next} and the batch begins at ${request.from}; claim the partition again.`,
    };
  }
  return null;
}

/** A refusal as the caller gets it. */
export function rejectionError({ reaction, code, message }: Rejection): FencedError | OutageError {
  switch (reaction) {
    case 'fenced':
      return new FencedError(message);
    case 'outage':
      return new OutageError(code, message);
    default:
      return unreachable(reaction);
  }
}

export function advanced(position: Position, request: Advance): Position {
  const { fates } = position;
  return {
    ...position,
    next: request.next,
    newestEventMs: Math.max(position.newestEventMs, request.newestEventMs),
    fates: {
      consumed: fates.consumed + request.fates.consumed,
      applied: fates.applied + request.fates.applied,
      superseded: fates.superseded + request.fates.superseded,
      filtered: fates.filtered + request.fates.filtered,
      deadLettered: fates.deadLettered + request.fates.deadLettered,
    },
  };
}
