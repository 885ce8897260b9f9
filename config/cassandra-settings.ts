import type { SettingSpec } from './setting-spec.ts';

const yearMs = 365 * 86_400_000;
const compactions = ['unified', 'leveled', 'size-tiered', 'time-window'] as const;

/** The part of the table about a graph that is kept in Cassandra. */
export const cassandraSettings = {
  'cassandra.contact.points': {
    section: 'store',
    kind: 'text',
    form: 'brokers',
    default: null,
    environment: ['CASSANDRA_CONTACT_POINTS'],
    description:
      'Some nodes of the cluster, such as `10.0.0.1:9042,10.0.0.2:9042`; the others are found, at the same port.',
  },
  'cassandra.datacenter': {
    section: 'store',
    kind: 'text',
    default: 'datacenter1',
    environment: ['CASSANDRA_DATACENTER'],
    description: 'Data center whose nodes are asked, as `nodetool status` names it.',
  },
  'cassandra.keyspace': {
    section: 'store',
    kind: 'text',
    default: 'journey_graph',
    description:
      'One graph a keyspace: 1 to 48 lower-case letters, digits and `_`. Made when it is not there.',
  },
  'cassandra.user': {
    section: 'store',
    kind: 'text',
    default: 'journey_graph',
    environment: ['CASSANDRA_USER'],
    description: 'Role that logs in.',
  },
  'cassandra.password': {
    section: 'store',
    kind: 'text',
    default: null,
    secret: true,
    environment: ['CASSANDRA_PASSWORD'],
    description: 'Password of `cassandra.user`. Without it nobody logs in, which a cluster has to allow.',
  },
  'cassandra.tls': {
    section: 'store',
    kind: 'flag',
    default: false,
    description: 'Encrypts connections and checks the nodes’ certificates.',
  },
  'cassandra.tls.ca.location': {
    section: 'store',
    kind: 'text',
    default: null,
    description: 'PEM file of the authority that signed them; what the system trusts when not set.',
  },
  'cassandra.tls.certificate.location': {
    section: 'store',
    kind: 'text',
    default: null,
    description: 'PEM file of our own certificate, where nodes ask for one.',
  },
  'cassandra.tls.key.location': {
    section: 'store',
    kind: 'text',
    default: null,
    description: 'PEM file of its key.',
  },
  'cassandra.consistency': {
    section: 'store',
    kind: 'choice',
    default: 'local-quorum',
    choices: ['local-quorum', 'quorum', 'each-quorum', 'local-one', 'one'],
    description:
      'Of reads and writes. Below a quorum what was acknowledged can be missing from a read, or be lost with a disk.',
  },
  'cassandra.replication': {
    section: 'store',
    kind: 'number',
    unit: 'items',
    default: 3,
    min: 1,
    max: 15,
    description: 'Copies of each row, for a keyspace that is made; one that is there keeps its own.',
  },
  'cassandra.requests.max': {
    section: 'store',
    kind: 'number',
    unit: 'items',
    default: 64,
    min: 1,
    max: 10_000,
    description: 'Requests under way at once, writes and reads each; more wait.',
  },
  'cassandra.request.timeout.ms': {
    section: 'store',
    kind: 'number',
    unit: 'ms',
    default: 12_000,
    min: 100,
    max: 600_000,
    description:
      'A request without an answer for so long counts as failed; keep it above the cluster’s own timeouts. Connecting, with its password, has 5 s at least.',
  },
  'cassandra.speculative.ms': {
    section: 'store',
    kind: 'number',
    unit: 'ms',
    default: 100,
    min: 0,
    max: 60_000,
    description: 'A read that takes longer is asked of another node as well; 0: never.',
  },
  'cassandra.group.events.max': {
    section: 'store',
    kind: 'number',
    unit: 'records',
    default: 8000,
    min: 1,
    max: 1_000_000,
    description: 'Waiting batches are written together up to so many events; a batch is never split.',
  },
  'cassandra.bucket.rows.max': {
    section: 'store',
    kind: 'number',
    unit: 'rows',
    default: 16_384,
    min: 64,
    max: 1_000_000,
    description:
      'Rows of a partition, about, from which on later ones go to partitions of narrower times; 8 MiB where that comes first.',
  },
  'cassandra.node.cache.entries.max': {
    section: 'store',
    kind: 'number',
    unit: 'items',
    default: 100_000,
    min: 1,
    max: 10_000_000,
    description: 'Nodes of which is remembered what was written: what changes nothing is not written again.',
  },
  'cassandra.edge.compaction': {
    section: 'store',
    kind: 'choice',
    default: 'unified',
    choices: compactions,
    description: 'Of the tables of edges, when they are made. `unified` needs Cassandra 5.',
  },
  'cassandra.step.compaction': {
    section: 'store',
    kind: 'choice',
    default: 'unified',
    choices: compactions,
    description: 'Of the table of steps.',
  },
  'cassandra.node.compaction': {
    section: 'store',
    kind: 'choice',
    default: 'unified',
    choices: compactions,
    description: 'Of nodes and all else.',
  },
  'cassandra.edge.ttl.ms': {
    section: 'store',
    kind: 'number',
    unit: 'ms',
    default: 0,
    min: 0,
    max: 20 * yearMs,
    description:
      'Cassandra forgets edges so long after they were written, whatever mappings say, for tables that are made; 0: never.',
  },
  'cassandra.step.ttl.ms': {
    section: 'store',
    kind: 'number',
    unit: 'ms',
    default: 0,
    min: 0,
    max: 20 * yearMs,
    description: 'The same for steps.',
  },
  'cassandra.gc.grace.ms': {
    section: 'store',
    kind: 'number',
    unit: 'ms',
    default: 864_000_000,
    min: 0,
    max: yearMs,
    description:
      'So long Cassandra remembers that a row was swept, for tables that are made. Repair more often, or a node that was away brings it back.',
  },
} as const satisfies Readonly<Record<string, SettingSpec>>;
