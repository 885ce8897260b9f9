import { isLoopback, readHopLimits, type Settings } from '../config/index.ts';
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
import { openAccess } from './api-access.ts';
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

/** Besides devices: callers, and gateways. */
const requestConnectionsMax = 3072;

/** The API of this process, reading the store that its pipelines write. */
export async function startApi(
  settings: Settings,
  composition: Composition,
  startedAtMs: number,
  io: CommandIo,
  log: Log,
): Promise<Api> {
  const access = await openAccess(settings, io, log);
  // The process asks itself a first question; where JWTs are taken and no token is set, nobody else knows this one.
  const token = settings['api.token'] ?? (access.jwt === null ? null : io.newId());
  const server = await startApiServer({
    host: settings.host,
    port: settings.port,
    reader: composition.store,
    feed: composition.journal,
    live: {
      socketsMax: settings['subscription.sockets.max'],
      pollMs: settings['subscription.poll.interval.ms'],
    },
    status: statusReader(composition, startedAtMs),
    audiences: composition.audiences,
    operations:
      composition.embeddedStore === null ? null : storeOperations(composition.embeddedStore, io.clock),
    deadLetters: composition.deadLetters,
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
      budget: { calls: settings['query.budget.calls'], rows: settings['query.budget.rows'] },
      hopEdgesMax: settings['query.hop.edges.max'],
      // The settings were refused if they could not be read.
      hopRules: readHopLimits(settings['query.hop.limits']) ?? [],
      traversalRowsMax: settings['query.traversal.rows.max'],
    },
    introspection: isOn(settings['api.introspection'], settings.host),
    suggestions: isOn(settings['api.suggestions'], settings.host),
    persisted: persistedOf(settings),
    slowMs: settings['query.slow.ms'],
    gate: { token, allowedHosts: settings['api.allowed.hosts'], anyHost: !isLoopback(settings.host) },
    access,
    federation: settings['api.federation'],
    defaultQuery,
    closeMs: Math.floor(settings['shutdown.timeout.ms'] / 4),
    clock: io.clock,
    log,
    newId: io.newId,
    extension: composition.live.extension,
    traffic: composition.live.traffic.gate,
    connectionsMax: requestConnectionsMax + settings['live.sockets.max'],
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

/** What helps who develops is left to the operator where strangers may ask. */
function isOn(choice: 'auto' | 'on' | 'off', host: string): boolean {
  return choice === 'auto' ? isLoopback(host) : choice === 'on';
}

function persistedOf(settings: Settings): { readonly file: string; readonly only: boolean } | null {
  const file = settings['api.operations.file'];
  return file === null ? null : { file, only: settings['api.operations.only'] };
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
