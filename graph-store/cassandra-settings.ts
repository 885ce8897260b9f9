/** Settings of the adapter for Cassandra. Composition passes them from the settings table. */
export interface CassandraSettings {
  /** Some nodes of the cluster, `host` or `host:port`; the driver finds the others. All have the same port. */
  readonly contactPoints: readonly string[];
  /** Reads and writes go to this one, at LOCAL_QUORUM. */
  readonly dataCenter: string;
  /** One graph a keyspace: 1 to 48 letters, digits and `_`, lower case. */
  readonly keyspace: string;
  /** Null for a cluster that asks for no password. */
  readonly credentials: { readonly user: string; readonly password: string } | null;
  /** Null: not encrypted. `certificateAuthority` and the rest are PEM texts; null for what the system trusts. */
  readonly tls: CassandraTls | null;
  readonly consistency: CassandraConsistency;
  /** Copies of each row in the data center, for a keyspace that this store makes. */
  readonly replication: number;
  /** Requests under way at once, of writing and of reading each. */
  readonly requestsMax: number;
  readonly requestTimeoutMs: number;
  /** A read that takes longer is asked of another node as well; 0: never. */
  readonly speculativeMs: number;
  /** Waiting batches are written together up to so many events: the larger, the fewer rows of nodes that many of them touch. */
  readonly groupEventsMax: number;
  /** How long a group that is not full waits for more; 0: only while the one before it is written. */
  readonly windowMs: number;
  /** Rows of a partition from which on later ones go to others: see `cassandra-buckets.ts`. */
  readonly bucketRowsMax: number;
  /** What is known of nodes that were written: a mutation that changes nothing of it is left out. */
  readonly nodeCacheEntriesMax: number;
  /** A graph whose restoring was interrupted is refused, unless it is the one of this id: then `restore` goes on with it. */
  readonly resume: string | null;
  readonly tables: CassandraTableSettings;
}

export type CassandraConsistency = 'one' | 'local-one' | 'local-quorum' | 'quorum' | 'each-quorum';

export interface CassandraTls {
  readonly certificateAuthority: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
}

export type Compaction = 'unified' | 'leveled' | 'size-tiered' | 'time-window';

/** For tables that this store makes; those that are there keep what they have. */
export interface CassandraTableSettings {
  readonly edgeCompaction: Compaction;
  readonly stepCompaction: Compaction;
  readonly nodeCompaction: Compaction;
  /** Cassandra forgets rows of these tables so long after they were written, whatever the graph's own times to live say; 0: never. */
  readonly edgeTtlSeconds: number;
  readonly stepTtlSeconds: number;
  /** How long a delete is remembered; a node that was away for longer has to be rebuilt, or it brings back what was deleted. */
  readonly gcGraceSeconds: number;
}

export const defaultCassandraSettings = {
  keyspace: 'journey_graph',
  credentials: null,
  tls: null,
  consistency: 'local-quorum',
  replication: 3,
  requestsMax: 64,
  requestTimeoutMs: 12_000,
  speculativeMs: 100,
  groupEventsMax: 8000,
  windowMs: 0,
  bucketRowsMax: 16_384,
  nodeCacheEntriesMax: 100_000,
  resume: null,
  tables: {
    edgeCompaction: 'unified',
    stepCompaction: 'unified',
    nodeCompaction: 'unified',
    edgeTtlSeconds: 0,
    stepTtlSeconds: 0,
    gcGraceSeconds: 864_000,
  },
} as const satisfies Omit<CassandraSettings, 'contactPoints' | 'dataCenter'>;
