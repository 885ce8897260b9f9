/** Settings of the adapter for Neo4j. Composition passes them from the settings table. */
export interface Neo4jSettings {
  /** Such as `bolt://127.0.0.1:7687` or `neo4j+s://cluster.example.com`. */
  readonly uri: string;
  /** Null for a server that asks for no password. */
  readonly credentials: { readonly user: string; readonly password: string } | null;
  /** Null for the server's default. */
  readonly database: string | null;
  /** Several graphs in one database are kept apart by it: 1 to 32 letters, digits, `_` and `-`. */
  readonly namespace: string;
  readonly connectionsMax: number;
  /** Waiting batches are written in one transaction up to so many events. */
  readonly groupEventsMax: number;
  /** How long a group that is not full waits for more; 0: only while the one before it is written. */
  readonly windowMs: number;
  /** The server ends a transaction that takes longer. */
  readonly transactionTimeoutMs: number;
  /** A graph whose restoring was interrupted is refused, unless it is the one of this id: then `restore` goes on with it. */
  readonly resume: string | null;
}

export const defaultNeo4jSettings = {
  credentials: null,
  database: null,
  namespace: 'jg',
  connectionsMax: 20,
  groupEventsMax: 2000,
  windowMs: 0,
  transactionTimeoutMs: 60_000,
  resume: null,
} as const satisfies Omit<Neo4jSettings, 'uri'>;
