import type { Consumer } from '@platformatic/kafka';
import { type Clock, OutageError } from '../foundation/index.ts';
import type { SourceHeader, SourceRecord } from './event-source.ts';
import type { KafkaConnection } from './kafka-client.ts';
import { kafkaError } from './kafka-error.ts';
import { clientOptions, earliestTimestamp, latestTimestamp } from './kafka-topic-ids.ts';

/** Where the samples begin. */
export type SampleStart =
  | { readonly kind: 'newest' }
  | { readonly kind: 'earliest' }
  /** In every partition; from its first record where that lies behind the offset. */
  | { readonly kind: 'offset'; readonly offset: bigint }
  | { readonly kind: 'time'; readonly timeMs: number };

export interface SampleRequest {
  readonly topic: string;
  readonly start: SampleStart;
  /** Records in all, shared out among the partitions. */
  readonly limit: number;
  readonly timeoutMs: number;
}

/** Why there are no more: all that was asked for or is there, or the time was up, or the caller's signal. */
export type SampleEnd = 'done' | 'timeout' | 'aborted';

export interface KafkaSampleParts {
  readonly connection: KafkaConnection;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

type TakeSample = (record: SourceRecord, partition: number) => Promise<void>;
type FetchedPartition = Awaited<ReturnType<Consumer['fetch']>>['responses'][number]['partitions'][number];
type FetchedBatch = NonNullable<FetchedPartition['records']>[number];

export interface OpenPartition {
  readonly partition: number;
  readonly leader: number;
  /** The next offset to read. */
  next: bigint;
  /** What the log's end was when sampling began: what comes later is not waited for. */
  readonly end: bigint;
  /** Records that may still be taken of it. */
  left: number;
  emptyFetches: number;
}

const partitionBytesMax = 1_048_576;
const fetchBytesMax = 8_388_608;
const fetchWaitMs = 250;
/** An open transaction hides what is behind it for as long as it lasts. */
const emptyFetchesMax = 3;
/** Kafka's Fetch protocol: what aborted transactions wrote is not told. */
const readCommitted = 1;
const attributeTransactional = 1 << 4;
const attributeControl = 1 << 5;

/**
 * Records of a topic, straight from the partitions' leaders: no group is joined and nothing is committed, so the broker keeps
 * nothing of it, and the right to read the topic is all it takes.
 *
 * @throws {OutageError | StopError} as the sources do, such as `KAFKA_UNKNOWN_TOPIC`.
 */
export async function sampleKafkaTopic(
  { topic, start, limit, timeoutMs }: SampleRequest,
  take: TakeSample,
  { connection, clock, signal }: KafkaSampleParts,
): Promise<SampleEnd> {
  const { Consumer } = await import('@platformatic/kafka');
  const over = new AbortController();
  const onAbort = (): void => over.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  // The client never joins its group: the library merely wants to know a name.
  const consumer = new Consumer({ ...clientOptions(connection), groupId: `${connection.clientId}-samples` });
  const reading = readSamples(consumer, topic, start, limit, take, over.signal);
  try {
    const timeUp = clock.sleep(timeoutMs, over.signal).then(() => 'timeout' as const);
    const ended = await Promise.race([reading, timeUp]);
    return signal.aborted ? 'aborted' : ended;
  } catch (error) {
    throw kafkaError(error, `take samples of topic "${topic}"`, { topic });
  } finally {
    over.abort();
    signal.removeEventListener('abort', onAbort);
    // What is under way fails when its connection is closed; it was given up by then.
    const [closed] = await Promise.allSettled([consumer.close(true), reading]);
    if (closed.status === 'rejected') over.abort();
  }
}

async function readSamples(
  consumer: Consumer,
  topic: string,
  start: SampleStart,
  limit: number,
  take: TakeSample,
  signal: AbortSignal,
): Promise<'done'> {
  const metadata = await consumer.metadata({ topics: [topic], autocreateTopics: false });
  const found = metadata.topics.get(topic);
  if (found === undefined) {
    throw new OutageError('KAFKA_UNKNOWN_TOPIC', `Topic "${topic}" does not exist in this cluster.`, {
      context: { topic },
    });
  }
  const leaders = found.partitions.map(({ leader }) => leader);
  const partitions = await openPartitions(consumer, topic, leaders, start, limit);
  for (let open = partitions; open.length > 0; open = open.filter(isOpen)) {
    for (const [node, led] of Map.groupBy(open, ({ leader }) => leader)) {
      if (signal.aborted) return 'done';
      await fetchFrom(consumer, node, found.id, led, take, signal);
    }
  }
  return 'done';
}

export function isOpen({ next, end, left, emptyFetches }: OpenPartition): boolean {
  return next < end && left > 0 && emptyFetches < emptyFetchesMax;
}

async function openPartitions(
  consumer: Consumer,
  topic: string,
  leaders: readonly number[],
  start: SampleStart,
  limit: number,
): Promise<readonly OpenPartition[]> {
  const offsetsAt = async (timestamp: bigint): Promise<readonly bigint[]> =>
    (await consumer.listOffsets({ topics: [topic], timestamp })).get(topic) ?? [];
  const lows = await offsetsAt(earliestTimestamp);
  const ends = await offsetsAt(latestTimestamp);
  const starts = start.kind === 'time' ? await offsetsAt(BigInt(start.timeMs)) : [];
  const bounds = leaders.map((leader, partition) => {
    const low = lows[partition] ?? 0n;
    const end = ends[partition] ?? low;
    // Kafka answers -1 where nothing is as late as that.
    const timed = starts[partition] ?? -1n;
    const wanted = start.kind === 'offset' ? start.offset : start.kind === 'time' ? timed : low;
    const from = wanted === -1n || wanted > end ? end : wanted < low ? low : wanted;
    return { partition, leader, from, end };
  });
  const shares = shareOut(
    bounds.map(({ from, end }) => Number(end - from)),
    limit,
  );
  return bounds
    .map(({ partition, leader, from, end }, index) => {
      const left = shares[index] ?? 0;
      const next = start.kind === 'newest' ? end - BigInt(left) : from;
      return { partition, leader, next, end, left, emptyFetches: 0 };
    })
    .filter(isOpen);
}

/** As even as what is there allows, and `limit` in all where there is so much. */
export function shareOut(available: readonly number[], limit: number): readonly number[] {
  const shares = available.map(() => 0);
  const byNeed = available.map((count, index) => ({ count, index })).sort((a, b) => a.count - b.count);
  let left = limit;
  for (const [place, { count, index }] of byNeed.entries()) {
    const share = Math.min(count, Math.ceil(left / (byNeed.length - place)));
    shares[index] = share;
    left -= share;
  }
  return shares;
}

export async function fetchFrom(
  consumer: Consumer,
  node: number,
  topicId: string,
  open: readonly OpenPartition[],
  take: TakeSample,
  signal: AbortSignal,
): Promise<void> {
  const partitions = open.map(({ partition, next }) => ({
    partition,
    fetchOffset: next,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    partitionMaxBytes: partitionBytesMax,
  }));
  const { responses } = await consumer.fetch({
    node,
    topics: [{ topicId, partitions }],
    minBytes: 1,
    maxBytes: fetchBytesMax,
    maxWaitTime: fetchWaitMs,
    isolationLevel: readCommitted,
  });
  const answers = new Map(
    responses.flatMap((topic) => topic.partitions.map((answer) => [answer.partitionIndex, answer] as const)),
  );
  for (const partition of open) {
    const before = partition.next;
    const answer = answers.get(partition.partition);
    if (answer !== undefined) await takeFrom(answer, partition, take, signal);
    partition.emptyFetches = partition.next === before ? partition.emptyFetches + 1 : 0;
  }
}

async function takeFrom(
  { records, abortedTransactions }: FetchedPartition,
  partition: OpenPartition,
  take: TakeSample,
  signal: AbortSignal,
): Promise<void> {
  const aborted = [...(abortedTransactions ?? [])].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  const dropped = new Set<bigint>();
  for (const batch of records ?? []) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    for (let next = aborted[0]; next !== undefined && next.firstOffset <= last; next = aborted[0]) {
      dropped.add(next.producerId);
      aborted.shift();
    }
    const isControl = (batch.attributes & attributeControl) !== 0;
    const isDropped = (batch.attributes & attributeTransactional) !== 0 && dropped.has(batch.producerId);
    if (isControl) dropped.delete(batch.producerId);
    else if (!isDropped) await takeBatch(batch, partition, take, signal);
    if (partition.next <= last) partition.next = last + 1n;
  }
}

async function takeBatch(
  { firstOffset, firstTimestamp, records }: FetchedBatch,
  partition: OpenPartition,
  take: TakeSample,
  signal: AbortSignal,
): Promise<void> {
  for (const { offsetDelta, timestampDelta, key, value, headers } of records) {
    const offset = firstOffset + BigInt(offsetDelta);
    // A batch begins where it was written, which may be before what was asked for.
    if (offset < partition.next || offset >= partition.end) continue;
    if (partition.left === 0 || signal.aborted) return;
    partition.left -= 1;
    const timestampMs = Number(firstTimestamp + timestampDelta);
    await take({ offset, timestampMs, key, value, headers: headersOf(headers) }, partition.partition);
  }
}

function headersOf(headers: FetchedBatch['records'][number]['headers']): readonly SourceHeader[] | null {
  if (headers.length === 0) return null;
  return headers.map(([key, value]) => ({ key: key?.toString('utf8') ?? '', value }));
}
