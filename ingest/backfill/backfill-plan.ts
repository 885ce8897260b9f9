import { createHash } from 'node:crypto';
import type { ArchiveFilter, PlannedFile } from '../../archive/index.ts';
import { StopError } from '../../foundation/index.ts';
import { backfillTopicIdPrefix, type SourcePartition } from '../../graph-store/index.ts';

export type BackfillTarget = 'live' | { readonly shadow: string };

/** The mapping that a subject's events are to be applied by. */
export interface PlannedMapping {
  readonly subject: string;
  readonly version: number;
}

/** Of a topic as it flows: its positions are by this and the partition. */
export type PlanIdentity = Pick<SourcePartition, 'cluster' | 'topicId'>;

/** What a person should know before it runs. */
export type PlanWarning =
  | {
      readonly kind: 'mapping-differs';
      readonly subject: string;
      readonly version: number;
      readonly applied: readonly number[];
    }
  | { readonly kind: 'look-ups'; readonly subject: string; readonly tables: readonly string[] }
  /** No file has these offsets, and nothing says why. */
  | {
      readonly kind: 'gap';
      readonly partition: number;
      readonly from: bigint;
      readonly until: bigint;
      readonly before: string;
      readonly behind: string;
    }
  /** Two files share offsets: late rows of another day, or the same rows twice. */
  | {
      readonly kind: 'overlap';
      readonly partition: number;
      readonly from: bigint;
      readonly until: bigint;
      readonly files: readonly [string, string];
    }
  /** Offsets without a row within the files: compaction, aborted transactions, or loss. */
  | { readonly kind: 'holes'; readonly partition: number; readonly offsets: bigint }
  /** Time to live hides what is older than this already. */
  | { readonly kind: 'hidden'; readonly types: readonly string[]; readonly beforeMs: number }
  /** Files left out because all of it would be hidden. */
  | { readonly kind: 'expired'; readonly files: number; readonly rows: number }
  /** Of these something was deleted: where a sweep removed the tombstones, all up to them stays hidden however long the types are kept later. */
  | { readonly kind: 'tombstones'; readonly types: readonly string[]; readonly beforeMs: number }
  /** A shadow that cannot be switched to: it has no position of the topic, because a part alone is replayed, or nobody knows one. */
  | { readonly kind: 'own-life'; readonly isWhole: boolean }
  /** What lies before is not in the archive, and will not be in the shadow. */
  | { readonly kind: 'begins-late'; readonly partition: number; readonly from: bigint };

/** Why the plan is not run as it is. */
export interface PlanRefusal {
  readonly code: string;
  readonly message: string;
}

/** All that decides what is applied: the plan's id is made of it. */
export interface PlanContent {
  readonly topic: string;
  /** Of the topic as it was archived: a topic that was recreated is another one. */
  readonly topicId: string;
  readonly into: BackfillTarget;
  readonly filter: ArchiveFilter;
  /** For people, and so that two archives make two plans. */
  readonly archive: string;
  readonly snapshotId: string | null;
  /** By partition, first offset, sequence and key. */
  readonly files: readonly PlannedFile[];
  readonly mappings: readonly PlannedMapping[];
  /** 0 at first; a plan that is done is applied once more as another one. */
  readonly repeat: number;
  /** Whose positions are moved: a life of its own when null. */
  readonly identity: PlanIdentity | null;
}

/**
 * A replay as it was decided, frozen: whatever is written to the archive later is no part of it. Resumed with another filter, other
 * files or another mapping it is another plan, and another life.
 */
export interface BackfillPlan extends PlanContent {
  readonly id: string;
  readonly createdMs: number;
  readonly rows: number;
  readonly bytes: number;
  /** Null when no rate was ever measured. */
  readonly estimateMs: number | null;
  readonly warnings: readonly PlanWarning[];
  readonly refusals: readonly PlanRefusal[];
  /** One a partition, by partition. */
  readonly life: readonly SourcePartition[];
}

/** 128 bits of SHA-256 over all that decides what is applied. */
export function planId(content: PlanContent): string {
  const { topic, topicId, into, filter, archive, snapshotId, files, mappings, repeat, identity } = content;
  const { fromMs, untilMs, partitions, fromOffset } = filter;
  const decides = [
    [topic, topicId, into, archive, snapshotId, repeat],
    [fromMs, untilMs, partitions === null ? null : [...partitions].sort((a, b) => a - b), fromOffset ?? null],
    identity === null ? null : [identity.cluster, identity.topicId],
    mappings.map(({ subject, version }) => [subject, version]),
    files.map((file) => [
      ...[file.key, file.bytes, file.rows, file.topicId, file.partition],
      ...[file.firstOffset, file.lastOffset, file.sequence, file.deletes.map(({ key }) => key)],
    ]),
  ];
  return createHash('sha256').update(JSON.stringify(decides, bigIntText)).digest('hex').slice(0, 32);
}

export function lifeOf(content: PlanContent, id: string): readonly SourcePartition[] {
  const { topic, identity, files } = content;
  const { cluster, topicId } = identity ?? { cluster: 'archive', topicId: `${backfillTopicIdPrefix}${id}` };
  const partitions = [...new Set(files.map((file) => file.partition))].sort((a, b) => a - b);
  return partitions.map((partition) => ({ cluster, topic, topicId, partition }));
}

const bigIntText = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);
const textBigInt = (_: string, value: unknown): unknown =>
  typeof value === 'string' && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value;

/** As JSON, for a person to read and for {@link decodePlan}. */
export function encodePlan(plan: BackfillPlan): Uint8Array {
  return Buffer.from(`${JSON.stringify(plan, bigIntText, 2)}\n`);
}

/** @throws StopError `BACKFILL_PLAN_DAMAGED` when it is not what was frozen under its id. */
export function decodePlan(bytes: Uint8Array, name: string): BackfillPlan {
  try {
    const plan: BackfillPlan = JSON.parse(Buffer.from(bytes).toString(), textBigInt);
    if (planId(plan) === plan.id) return plan;
  } catch (cause) {
    throw damaged(name, cause);
  }
  throw damaged(name, null);
}

function damaged(name: string, cause: unknown): StopError {
  const message = `The plan ${name} was changed or cut short since it was frozen: make another with \`jg backfill plan\`.`;
  return new StopError('BACKFILL_PLAN_DAMAGED', message, { cause });
}
