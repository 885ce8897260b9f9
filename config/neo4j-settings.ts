import type { SettingSpec } from './setting-spec.ts';

/** The part of the table about a graph that is kept in Neo4j. */
export const neo4jSettings = {
  store: {
    section: 'store',
    kind: 'choice',
    default: 'leveldb',
    choices: ['leveldb', 'neo4j', 'cassandra'],
    description:
      'What keeps the graph: LevelDB in the folder `data`, a Neo4j server, or a Cassandra cluster.',
  },
  'neo4j.uri': {
    section: 'store',
    kind: 'text',
    form: 'bolt',
    default: null,
    environment: ['NEO4J_URI'],
    description:
      'Server or cluster, such as `bolt://127.0.0.1:7687` or `neo4j+s://graph.example.com`; `+s` is TLS.',
  },
  'neo4j.user': {
    section: 'store',
    kind: 'text',
    default: 'neo4j',
    environment: ['NEO4J_USER'],
    description: 'User of the server.',
  },
  'neo4j.password': {
    section: 'store',
    kind: 'text',
    default: null,
    secret: true,
    environment: ['NEO4J_PASSWORD'],
    description: 'Password of `neo4j.user`. Without it nobody logs in, which a server has to allow.',
  },
  'neo4j.database': {
    section: 'store',
    kind: 'text',
    default: null,
    environment: ['NEO4J_DATABASE'],
    description: 'Database of the server; its default one when not set.',
  },
  'neo4j.namespace': {
    section: 'store',
    kind: 'text',
    default: 'jg',
    description: 'Keeps several graphs in one database apart: 1 to 32 letters, digits, `_` and `-`.',
  },
  'neo4j.connections.max': {
    section: 'store',
    kind: 'number',
    unit: 'items',
    default: 20,
    min: 2,
    max: 1000,
    description: 'Connections to a server; reads beyond wait for one.',
  },
  'neo4j.group.events.max': {
    section: 'store',
    kind: 'number',
    unit: 'records',
    default: 2000,
    min: 1,
    max: 1_000_000,
    description:
      'Waiting batches are written in one transaction up to so many events; a batch is never split.',
  },
  'neo4j.transaction.timeout.ms': {
    section: 'store',
    kind: 'number',
    unit: 'ms',
    default: 60_000,
    min: 1000,
    max: 3_600_000,
    description:
      'The server ends a write that takes longer, such as one that waits for another writer, and a read.',
  },
} as const satisfies Readonly<Record<string, SettingSpec>>;
