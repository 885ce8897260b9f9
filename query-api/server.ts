import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { Duplex } from 'node:stream';
import { type Clock, type Log, type SteadyTime, steadyTime } from '../foundation/index.ts';
import type { GraphReader } from '../graph-store/index.ts';
import type { QueryLimits } from './api-context.ts';
import { type ApiExtension, noExtension } from './api-extension.ts';
import { ApiHandler } from './api-handler.ts';
import type { Audiences } from './audiences/audiences.ts';
import { Access, type AccessParts } from './auth/access.ts';
import type { Caller } from './auth/caller.ts';
import type { BackfillOperations } from './backfill-operations.ts';
import type { DeadLetterOperations } from './dead-letter-operations.ts';
import type { GraphOperations } from './graph-operations.ts';
import { GraphqlEngine } from './graphql-engine.ts';
import { Ide } from './ide-page.ts';
import { listen, urlOf } from './listening.ts';
import { judgeLive } from './live/judge-live.ts';
import { type LiveLimits, liveLimitsDefault } from './live/live-limits.ts';
import { LiveServer } from './live/live-server.ts';
import { ignoreBroken, noSocketHere, refuseUpgrade } from './live/refused-upgrade.ts';
import { cursorKeyBytes, StepCursors } from './live/step-cursor.ts';
import type { StepFeed } from './live/step-feed.ts';
import { StepJournal } from './live/step-journal.ts';
import { Observer } from './observe/observer.ts';
import { PersistedOperations } from './operations/persisted-operations.ts';
import type { PersistedRules } from './operations/persisted-request.ts';
import type { PageEncoder } from './page-encoder.ts';
import { type GateOptions, refuseHost } from './request-gate.ts';
import type { StatusReader } from './status-reader.ts';
import type { StoreOperations } from './store-operations.ts';
import type { TrafficGate } from './traffic-gate.ts';

export interface ApiServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly reader: GraphReader;
  /** What subscriptions listen to; without it they look into the store now and then. */
  readonly feed?: StepFeed;
  readonly live?: Partial<LiveLimits>;
  readonly status: StatusReader;
  /** Null when the store keeps no files of its own. */
  readonly operations: StoreOperations | null;
  /** Null or absent when there is no other graph beside the one in force. */
  readonly graphs?: GraphOperations | null;
  /** Null or absent of a server that reads no topics. */
  readonly deadLetters?: DeadLetterOperations | null;
  /** Null or absent of a server that replays nothing. */
  readonly backfills?: BackfillOperations | null;
  /** Null of a server that keeps none; whoever opened them closes them, after the server. */
  readonly audiences: Audiences | null;
  /** Formats that pages of journeys and audiences are given in beside JSON; absent: none. */
  readonly encoders?: readonly PageEncoder[];
  readonly limits: QueryLimits;
  readonly gate: GateOptions;
  /** Who is let in besides the holder of `gate.token`, and what they may read; absent: nobody. */
  readonly access?: Omit<AccessParts, 'token'>;
  /** Whether the schema is that of a subgraph of Apollo Federation; absent: no. */
  readonly federation?: boolean;
  /** Shown in the IDE when it opens. */
  readonly defaultQuery: string;
  /** How long running requests may take to end when the server closes. */
  readonly closeMs: number;
  readonly clock: Clock;
  /** Absent: the process's own. */
  readonly steadyMs?: SteadyTime;
  readonly log: Log;
  /** A new request id, such as a UUID. */
  readonly newId: () => string;
  /** Answer what the schema is; true unless said. */
  readonly introspection?: boolean;
  /** Say in errors what was probably meant; true unless said. */
  readonly suggestions?: boolean;
  /** The file of the operations that may be asked for by id, and whether nothing else may. */
  readonly persisted?: { readonly file: string; readonly only: boolean } | null;
  /** A query that takes longer gets a line in the log; no bound unless said. */
  readonly slowMs?: number;
  /** What other rooms add; absent: nothing. Whoever made its sockets closes them, before the server. */
  readonly extension?: ApiExtension;
  /** Sockets of every kind; 2,048 unless said. */
  readonly connectionsMax?: number;
  /** Null or absent: whoever may ask is answered. */
  readonly traffic?: TrafficGate | null;
}

export interface ApiServer {
  /** Without a slash at the end, such as `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Takes no more requests, lets running ones end within the bound, then cuts what is left. Idempotent. */
  close(): Promise<void>;
}

const connectionsMaxDefault = 2048;

/**
 * Listens and answers.
 *
 * @throws StopError `PORT_IN_USE` or `CANNOT_LISTEN`; RefusedError `OPERATIONS_INVALID`.
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { introspection = true, suggestions = true, slowMs = Number.POSITIVE_INFINITY } = options;
  const persisted = await persistedRules(options, introspection);
  const observer = new Observer(options, slowMs, () => performance.now());
  const { degrees } = observer;
  const engine = new GraphqlEngine(options.limits, options, {
    introspection,
    suggestions,
    persisted,
    degrees,
  });
  await engine.start();
  const access = new Access({ jwt: null, policy: null, ...options.access, token: options.gate.token });
  const handler = new ApiHandler(options, engine, new Ide(options.defaultQuery), { access, observer });
  const server = http.createServer((request, response) => {
    void handler.handle(request, response);
  });
  const live = createLiveServer(options, { engine, handler, access, observer, persisted });
  server.on('upgrade', upgradeBy(live, options));
  // A client may take its time to ask, but not for ever.
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.maxHeadersCount = 100;
  // More are dropped as they come.
  server.maxConnections = options.connectionsMax ?? connectionsMaxDefault;
  try {
    await listen(server, options.host, options.port);
  } catch (error) {
    await engine.stop();
    observer.close();
    throw error;
  }
  // Such as no file descriptor left for a new connection: the ones there are go on.
  server.on('error', (error) => options.log.error({ error }, 'The API could not accept a connection.'));
  const closing = { done: null as Promise<void> | null };
  return {
    url: urlOf(server),
    close: () => {
      closing.done ??= close(server, live, engine, options).finally(() => observer.close());
      return closing.done;
    },
  };
}

interface ServerParts {
  readonly engine: GraphqlEngine;
  readonly handler: ApiHandler;
  readonly access: Access;
  readonly observer: Observer;
  readonly persisted: PersistedRules | null;
}

function createLiveServer(
  options: ApiServerOptions,
  { engine, handler, access, observer, persisted }: ServerParts,
): LiveServer<Caller> {
  const { degrees } = observer;
  const { suggestions = true } = options;
  return new LiveServer<Caller>(
    {
      ...options,
      feed: options.feed ?? new StepJournal({ clock: options.clock, epoch: 0n, complete: false }),
      live: { ...liveLimitsDefault, ...options.live },
      steadyMs: options.steadyMs ?? steadyTime,
      schema: () => engine.currentSchema(),
      persisted,
      suggestions,
      cursors: new StepCursors(randomBytes(cursorKeyBytes)),
      failed: (codes) => observer.failed(codes),
      context: (requestId, caller) => handler.liveContext(requestId, caller),
      judge: (planned, context) => judgeLive(planned, context, degrees),
      authenticate: async (headers) => {
        const found = await access.authenticate(headers);
        if (found.kind === 'caller') return found.caller;
        return found.status === 503 ? 'unavailable' : null;
      },
    },
    options.gate,
  );
}

/** GraphQL's own WebSocket, or that of another room at its path, under a host of ours. */
function upgradeBy(
  live: LiveServer<Caller>,
  options: ApiServerOptions,
): (request: http.IncomingMessage, socket: Duplex, head: Buffer) => void {
  const { sockets } = options.extension ?? noExtension;
  return (request, socket, head) => {
    // Node has taken its own listener off, and an error that nobody listens for ends the process. It stays, whoever takes the connection.
    socket.on('error', ignoreBroken);
    // As it was sent, since other rooms compare it so: were it resolved here, one of them would be given what it does not take.
    const [path] = (request.url ?? '').split('?', 1);
    const extension = sockets.find((one) => one.path === path);
    if (extension === undefined) return live.upgrade(request, socket, head);
    const stranger = refuseHost(request, options.gate);
    if (stranger !== null) return refuseUpgrade(socket, stranger, options.newId());
    // What nobody answers stays open for ever: Node has no timeout for a connection that it gave away.
    if (!extension.upgrade(request, socket, head)) refuseUpgrade(socket, noSocketHere, options.newId());
  };
}

/** The operations that have an id, read and checked; null of a server without a list. */
async function persistedRules(
  options: ApiServerOptions,
  introspection: boolean,
): Promise<PersistedRules | null> {
  const { persisted } = options;
  if (persisted === undefined || persisted === null) return null;
  const { tokensMax } = options.limits;
  const operations = await PersistedOperations.open({ ...options, file: persisted.file, tokensMax });
  const { only } = persisted;
  return { operations, only, introspection, tokensMax, ready: () => options.status.ready() };
}

async function close(
  server: http.Server,
  live: LiveServer<Caller>,
  engine: GraphqlEngine,
  options: ApiServerOptions,
): Promise<void> {
  const limit = new AbortController();
  // Node closes the idle connections with it.
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const socketsGone = live.close(options.closeMs);
  await Promise.race([closed, options.clock.sleep(options.closeMs, limit.signal)]);
  await socketsGone;
  limit.abort();
  server.closeAllConnections();
  await closed;
  await engine.stop();
}
