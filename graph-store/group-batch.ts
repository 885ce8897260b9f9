import { decodeEvents } from './codec.ts';
import type { Estimates } from './estimates.ts';
import type { Advance, SourcePartition } from './graph-store.ts';
import { encodeLineage } from './lineage.ts';
import type { EventMutations, EventOrigin, NodeMutation } from './model.ts';
import type { PackedMutations } from './packed-format.ts';

/** A batch as it waits, and what lineage calls its origins. */
export interface GroupBatch {
  readonly advance: Advance;
  readonly packed: PackedMutations;
  readonly originIds: readonly number[];
  /** Of its partition: what it mentions is counted in them. */
  readonly estimates: Estimates;
}

/** A node mutation that waits to be merged with what is known of its node. */
export interface NodeChange {
  /** Its batch's place in the group. */
  readonly batch: number;
  readonly mutation: NodeMutation;
  readonly timeMs: number;
  readonly rank: number;
  /** Without its length. */
  readonly lineage: Buffer;
}

export async function groupBatchOf(
  { advance, packed }: Pick<GroupBatch, 'advance' | 'packed'>,
  estimates: Estimates,
  origins: { idOf(source: SourcePartition, origin: EventOrigin): Promise<number> },
): Promise<GroupBatch> {
  const originIds: number[] = [];
  for (const origin of packed.origins) originIds.push(await origins.idOf(advance.source, origin));
  return { advance, packed, originIds, estimates };
}

/** The events of a batch, each with its lineage as a row begins with it. */
export function* eventsOf({
  advance,
  packed,
  originIds,
}: GroupBatch): Generator<readonly [event: EventMutations, lineage: Buffer]> {
  const places = new Map(packed.origins.map((origin, i) => [origin, originIds[i] ?? 0]));
  for (const event of decodeEvents(packed)) {
    const origin = event.lineage === undefined ? 0 : (places.get(event.lineage.origin) ?? 0);
    const offset = event.lineage?.offset ?? 0n;
    yield [event, lineageBytes(origin, advance.source.partition, offset)];
  }
}

/** With its length in front; the id is 0 when the origin is unknown. */
export function lineageBytes(originId: number, partition: number, offset: bigint): Buffer {
  if (originId === 0) return Buffer.of(0);
  const bytes = encodeLineage(originId, partition, offset);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}
