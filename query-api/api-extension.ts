import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { GraphQLFieldConfigMap } from 'graphql';
import type { ApiContext } from './api-context.ts';
import type { Caller } from './auth/caller.ts';
import type { Grant } from './policy/grant.ts';

/** What another room adds to the API: it cannot be imported here, so whoever starts the server passes it. */
export interface ApiExtension extends SchemaExtension {
  readonly routes: readonly ExtensionRoute[];
  readonly sockets: readonly ExtensionSocket[];
  /** Beside the API's own under `/metrics`. */
  readonly metrics: readonly ExtensionMetric[];
}

export interface ExtensionMetric {
  readonly kind: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** As they are now. */
  readonly read: () => readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

/** Root fields; their names must not be those of the API's own, nor of each other. */
export interface SchemaExtension {
  readonly query: GraphQLFieldConfigMap<unknown, ApiContext>;
  readonly mutation: GraphQLFieldConfigMap<unknown, ApiContext>;
}

/** Paths below `/` that are answered by other code than the API's; the host was checked before. The longest prefix counts. */
export interface ExtensionRoute {
  /** Such as `/live/`. */
  readonly prefix: string;
  /** Without asking who it is: for pages and scripts, which hold no data. Then `caller` is null. */
  readonly isOpen: boolean;
  /** Answers once. May throw: then the caller gets a 500 and the log has the error. */
  handle(request: IncomingMessage, response: ServerResponse, asked: ExtensionRequest): Promise<void>;
}

export interface ExtensionRequest {
  readonly url: URL;
  readonly requestId: string;
  readonly caller: Caller | null;
  /** What a policy lets the caller read; null for everything. */
  readonly grant: Grant | null;
}

/** A WebSocket at a path of its own; the host was checked before, who may open it is decided there. */
export interface ExtensionSocket {
  /** As it stands in the request: one that only resolves to it (`/live/./socket`) is another. */
  readonly path: string;
  /** False: not taken, and nothing was done with the connection; then the server answers. */
  upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): boolean;
}

export const noExtension: ApiExtension = { query: {}, mutation: {}, routes: [], sockets: [], metrics: [] };

/** Null where no prefix fits. */
export function routeOf(routes: readonly ExtensionRoute[], pathname: string): ExtensionRoute | null {
  let found: ExtensionRoute | null = null;
  for (const route of routes) {
    if (!pathname.startsWith(route.prefix)) continue;
    if (found === null || route.prefix.length > found.prefix.length) found = route;
  }
  return found;
}
