import { isLoopback, type Settings } from '../config/index.ts';
import { featuredAccountId } from '../demo/index.ts';
import type { Log } from '../foundation/index.ts';
import { addNodeWrites, noNodeWrites, type Pipeline } from '../ingest/index.ts';
import {
  type NodeWriteState,
  queryLimitsDefault,
  type StatusReader,
  startApiServer,
  type TopicState,
} from '../query-api/index.ts';
import type { CommandIo } from './command-io.ts';
import type { Composition } from './composition.ts';
import { askGraphql } from './graphql-client.ts';
import { journeyQuery } from './journey-text.ts';
import { stateReason } from './status.ts';
import { storeOperations } from './store-operations.ts';
import { productVersion } from './version.ts';

export interface Api {
  readonly url: string;
  /** The featured question over HTTP, as any client would ask it. */
  ask(accountId: string, first: number): Promise<unknown>;
  close(): Promise<void>;
}

const defaultQuery = `# What has this member been doing, across everything we run?
query {
  journey(of: {type: "Account", id: "${featuredAccountId}"}, first: 20, order: OLDEST_FIRST) {
    edges { node { time domain action links { edge node { type id } } properties } }
    completeness { complete scanned }
    freshness { topic freshnessMs }
  }
  status { nodes edges freshnessP99Ms topics { topic partition lag consumed deadLettered } }
}
`;

/** The API of this process, reading the store that its pipelines write. */
export async function startApi(
  settings: Settings,
  composition: Composition,
  startedAtMs: number,
  io: CommandIo,
  log: Log,
): Promise<Api> {
  const token = settings['api.token'];
  const server = await startApiServer({
    host: settings.host,
    port: settings.port,
    reader: composition.store,
    status: statusReader(composition, startedAtMs),
    audiences: composition.audiences,
    operations:
      composition.embeddedStore === null ? null : storeOperations(composition.embeddedStore, io.clock),
    limits: {
      ...queryLimitsDefault,
      pageDefault: settings['query.page.default'],
      pageMax: settings['query.page.max'],
      lookbackMs: settings['query.lookback.ms'],
      scanRowsMax: settings['query.scan.rows.max'],
      depthMax: settings['query.depth.max'],
      tokensMax: settings['query.tokens.max'],
      deadlineMs: settings['query.deadline.ms'],
      bodyBytesMax: settings['query.body.bytes.max'],
    },
    gate: { token, allowedHosts: settings['api.allowed.hosts'], anyHost: !isLoopback(settings.host) },
    defaultQuery,
    closeMs: Math.floor(settings['shutdown.timeout.ms'] / 4),
    clock: io.clock,
    log,
    newId: io.newId,
  });
  return {
    url: server.url,
    ask: async (accountId, first) => {
      const of = { type: 'Account', id: accountId };
      return (await askGraphql({ url: server.url, token }, journeyQuery, { of, first })).data;
    },
    close: () => server.close(),
  };
}

function statusReader(composition: Composition, startedAtMs: number): StatusReader {
  return {
    version: productVersion(),
    startedAtMs,
    topics: () => composition.pipelines.map(topicState),
    graphSchema: () => composition.mappings.graphSchema(),
    mappings: () => composition.mappings.status(),
    nodeWrites: () => nodeWritesOf(composition.pipelines),
    tables: () => composition.tables.status(),
    // Before the first look a query for a node type would be told that there is no such type.
    ready: () =>
      composition.mappings.hasLooked &&
      composition.pipelines.some((pipeline) => pipeline.status().state.kind !== 'stopped'),
    freshnessQuantileMs: (share) => composition.freshness.quantile(share),
  };
}

function nodeWritesOf(pipelines: readonly Pipeline[]): NodeWriteState {
  const { nodeWrites, nodeWritesSuppressed, nodeWritesCoalesced } = pipelines
    .map((pipeline) => pipeline.status().nodeWritesSinceStart)
    .reduce(addNodeWrites, noNodeWrites);
  return { written: nodeWrites, suppressed: nodeWritesSuppressed, coalesced: nodeWritesCoalesced };
}

function topicState(pipeline: Pipeline): TopicState {
  const { topic, state, freshnessMs, partitions } = pipeline.status();
  return {
    topic,
    state: state.kind,
    reason: stateReason(state),
    freshnessMs,
    partitions: partitions.map(({ source, lag }) => ({
      partition: source.partition,
      topicId: source.topicId,
      lag,
    })),
  };
}
