import {
  GraphQLEnumType,
  type GraphQLFieldConfig,
  GraphQLFloat,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import {
  backfillSources,
  backfillTopicIdPrefix,
  liveSources,
  type SourceStatus,
} from '../graph-store/index.ts';
import type { ApiContext } from './api-context.ts';
import type { FieldCost } from './cost/field-cost.ts';
import { nodeWritesType } from './node-write-status.ts';
import { type RetriedLetters, retriedLetters, retriedLettersListType } from './retried-letters.ts';
import { bigIntScalar, dateTimeScalar } from './scalars.ts';
import type { NodeWriteState, TableState, TopicState } from './status-reader.ts';
import { tableStatusesType } from './table-status.ts';

const text = new GraphQLNonNull(GraphQLString);
const count = new GraphQLNonNull(bigIntScalar);

const topicStateType = new GraphQLEnumType({
  name: 'TopicStateKind',
  values: {
    IDLE: { value: 'idle', description: 'Not started yet.' },
    RUNNING: { value: 'running' },
    PAUSED: { value: 'paused', description: 'Something outside is down; it goes on by itself.' },
    FINISHED: { value: 'finished' },
    STOPPED: { value: 'stopped', description: 'A person has to act: see the reason.' },
    ELSEWHERE: { value: 'elsewhere', description: 'Other processes read it, and say how they fare.' },
  },
});

interface TopicRow {
  readonly topic: string;
  readonly state: TopicState['state'];
  readonly reason: string | null;
  readonly freshnessMs: number | null;
  readonly lag: bigint | null;
  readonly waitedMs: number | null;
  readonly stored: SourceStatus | null;
  readonly partition: number | null;
}

const topicStatusType = new GraphQLObjectType<TopicRow>({
  name: 'TopicStatus',
  description: 'How far one partition of a topic is, and what became of its records.',
  fields: {
    topic: { type: text },
    partition: { type: GraphQLInt, description: 'Null while no partition of the topic has been claimed.' },
    topicId: {
      type: GraphQLString,
      description: 'Which topic of this name: one that was recreated has another id, and a row of its own.',
      resolve: (row) => row.stored?.source.topicId,
    },
    position: {
      type: bigIntScalar,
      description: 'One past the last offset applied.',
      resolve: (row) => row.stored?.next,
    },
    lag: { type: bigIntScalar, description: 'Records behind the log’s end; null while unknown.' },
    waitedMs: {
      type: GraphQLFloat,
      description: 'For at most so long has the oldest of them waited; null while unknown.',
    },
    freshnessMs: {
      type: GraphQLFloat,
      description: 'Now minus the newest event time of the topic that was applied.',
    },
    epoch: { type: GraphQLInt, resolve: (row) => row.stored?.epoch },
    consumed: { type: count, resolve: (row) => row.stored?.fates.consumed ?? 0 },
    applied: { type: count, resolve: (row) => row.stored?.fates.applied ?? 0 },
    superseded: { type: count, resolve: (row) => row.stored?.fates.superseded ?? 0 },
    filtered: { type: count, resolve: (row) => row.stored?.fates.filtered ?? 0 },
    deadLettered: { type: count, resolve: (row) => row.stored?.fates.deadLettered ?? 0 },
    state: { type: new GraphQLNonNull(topicStateType) },
    reason: { type: GraphQLString, description: 'Why it is paused or stopped.' },
  },
});

const backfillStatusType = new GraphQLObjectType<SourceStatus>({
  name: 'BackfillStatus',
  description: 'How far one partition of a replay is. Its records count for no topic.',
  fields: {
    topic: { type: text, resolve: ({ source }) => source.topic },
    backfill: {
      type: text,
      description: 'The id of its plan.',
      resolve: ({ source }) => source.topicId.slice(backfillTopicIdPrefix.length),
    },
    partition: { type: new GraphQLNonNull(GraphQLInt), resolve: ({ source }) => source.partition },
    position: { type: count, description: 'One past the last offset applied.', resolve: ({ next }) => next },
    consumed: { type: count, resolve: ({ fates }) => fates.consumed },
    applied: { type: count, resolve: ({ fates }) => fates.applied },
    superseded: { type: count, resolve: ({ fates }) => fates.superseded },
    filtered: { type: count, resolve: ({ fates }) => fates.filtered },
    deadLettered: { type: count, resolve: ({ fates }) => fates.deadLettered },
  },
});

interface StatusAnswer {
  readonly topics: readonly TopicRow[];
  readonly retriedLetters: readonly RetriedLetters[];
  readonly backfills: readonly SourceStatus[];
  readonly tables: readonly TableState[];
  readonly nodeWrites: NodeWriteState;
  readonly nodes: number;
  readonly edges: number;
  readonly relativeError: number;
  readonly freshnessP50Ms: number | null;
  readonly freshnessP99Ms: number | null;
  readonly version: string;
  readonly startedAt: number;
}

const statusType = new GraphQLObjectType<StatusAnswer>({
  name: 'Status',
  fields: {
    topics: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(topicStatusType))) },
    retriedLetters: { type: retriedLettersListType },
    backfills: {
      type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(backfillStatusType))),
      description: 'Replays of archived history, those that are done included; a row for each partition.',
    },
    tables: { type: tableStatusesType },
    nodeWrites: { type: nodeWritesType },
    nodes: { type: count, description: 'Distinct nodes ever mentioned, estimated.' },
    edges: { type: count, description: 'Distinct edges ever mentioned, estimated.' },
    relativeError: {
      type: new GraphQLNonNull(GraphQLFloat),
      description: 'One standard error of the estimates.',
    },
    freshnessP50Ms: {
      type: GraphQLFloat,
      description: 'From event time to durable, over about the last minute.',
    },
    freshnessP99Ms: { type: GraphQLFloat },
    version: { type: text },
    startedAt: { type: new GraphQLNonNull(dateTimeScalar) },
  },
});

/** A row for each partition there ever was, of which no process has many. */
const costOfStatus: FieldCost<unknown> = () => ({ own: { calls: 2, rows: 1000 }, objects: 1, cheaper: [] });

/** `status`: two reads of the store, whatever is asked. */
export const statusField: GraphQLFieldConfig<unknown, ApiContext> = {
  type: new GraphQLNonNull(statusType),
  description: 'How far each topic is, how fresh and how large the graph is.',
  resolve: async (_source, _arguments, { reader, status }): Promise<StatusAnswer> => {
    const [sources, estimate] = await Promise.all([reader.sources(), reader.estimate()]);
    return {
      topics: topicRows(status.topics(), liveSources(sources)),
      retriedLetters: retriedLetters(sources),
      backfills: backfillSources(sources),
      tables: status.tables(),
      nodeWrites: status.nodeWrites(),
      nodes: Math.round(estimate.nodes),
      edges: Math.round(estimate.edges),
      relativeError: estimate.relativeError,
      freshnessP50Ms: status.freshnessQuantileMs(0.5),
      freshnessP99Ms: status.freshnessQuantileMs(0.99),
      version: status.version,
      startedAt: status.startedAtMs,
    };
  },
  extensions: { cost: costOfStatus },
};

/** A row a stored partition of a topic that runs here; a topic without any still says what state it is in. */
function topicRows(topics: readonly TopicState[], sources: readonly SourceStatus[]): TopicRow[] {
  return topics.flatMap((topic): TopicRow[] => {
    const { partitions, ...state } = topic;
    const stored = sources.filter(({ source }) => source.topic === topic.topic);
    if (stored.length === 0) return [{ ...state, ...unknownLag, stored: null, partition: null }];
    return stored.map((source) => {
      const { partition, topicId } = source.source;
      const live = partitions.find((known) => known.partition === partition && known.topicId === topicId);
      const { lag, waitedMs } = live ?? unknownLag;
      return { ...state, lag, waitedMs, stored: source, partition };
    });
  });
}

const unknownLag = { lag: null, waitedMs: null } as const;
