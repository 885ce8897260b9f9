import { isLoopback, readHopLimits, type Settings } from '../config/index.ts';
import { featuredAccountId } from '../demo/index.ts';
import type { Log } from '../foundation/index.ts';
import type { EmbeddedStore, GraphStore } from '../graph-store/index.ts';
import type { BackfillDesk } from '../ingest/index.ts';
import {
  type ApiExtension,
  type Audiences,
  type DeadLetterOperations,
  type GraphOperations,
  queryLimitsDefault,
  type StatusReader,
  type StepFeed,
  startApiServer,
} from '../query-api/index.ts';
import { openAccess } from './api-access.ts';
import { deskTarget } from './backfill-target.ts';
import type { CommandIo } from './command-io.ts';
import { askGraphql } from './graphql-client.ts';
import { journeyQuery } from './journey-text.ts';
import { pageEncoders } from './page-encoders.ts';
import { storeOperations } from './store-operations.ts';
import type { Traffic } from './traffic.ts';

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

/** What an API answers from. */
export interface ApiParts {
  readonly store: GraphStore;
  /** The store again, where it is the embedded one. */
  readonly embeddedStore: EmbeddedStore | null;
  /** Of the steps that this process applies; null where it applies none. */
  readonly feed: StepFeed | null;
  /** Null where another process keeps them, as the letters. */
  readonly audiences: Audiences | null;
  readonly deadLetters: DeadLetterOperations | null;
  readonly backfills: BackfillDesk | null;
  readonly graphs: GraphOperations | null;
  readonly extension: ApiExtension;
  readonly traffic: Traffic;
  readonly status: StatusReader;
}

/** The API of this process. */
export async function startApi(settings: Settings, parts: ApiParts, io: CommandIo, log: Log): Promise<Api> {
  const access = await openAccess(settings, io, log);
  // The process asks itself a first question; where JWTs are taken and no token is set, nobody else knows this one.
  const token = settings['api.token'] ?? (access.jwt === null ? null : io.newId());
  const server = await startApiServer({
    host: settings.host,
    port: settings.port,
    reader: parts.store,
    ...(parts.feed === null ? {} : { feed: parts.feed }),
    live: {
      socketsMax: settings['subscription.sockets.max'],
      pollMs: settings['subscription.poll.interval.ms'],
    },
    status: parts.status,
    audiences: parts.audiences,
    operations:
      parts.embeddedStore === null
        ? null
        : storeOperations(parts.embeddedStore, parts.status.graphSchema, io.clock),
    deadLetters: parts.deadLetters,
    backfills: parts.backfills === null ? null : deskTarget(parts.backfills),
    encoders: pageEncoders(),
    graphs: parts.graphs,
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
    extension: parts.extension,
    traffic: parts.traffic.gate,
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
