import { join } from 'node:path';

/** What the tests' machinery reads from the environment: services that are already there, and where tools are. */
export interface TestEnvironment {
  /** `KAFKA_BOOTSTRAP_SERVERS`, such as `127.0.0.1:9092`. */
  readonly kafkaBootstrapServers: string | null;
  /** `SCHEMA_REGISTRY_URL`: base of Confluent's API, such as `http://127.0.0.1:8081/apis/ccompat/v7`. */
  readonly registryUrl: string | null;
  /** `NEO4J_URI`, with `NEO4J_USER` and `NEO4J_PASSWORD` when the server asks for them. */
  readonly neo4jUri: string | null;
  readonly neo4jUser: string | null;
  readonly neo4jPassword: string | null;
  /** `CASSANDRA_CONTACT_POINTS`: `host:port[,host:port]` of a data center `datacenter1` that lets everybody in. */
  readonly cassandraContactPoints: string | null;
  /** `JOURNEY_GRAPH_SERVICES_DIR`: where downloaded packages and the Python environment are kept between runs. */
  readonly cacheDirectory: string;
  readonly dockerHost: string | null;
  readonly javaHome: string | null;
  readonly searchPath: string;
}

const repositoryRoot = join(import.meta.dirname, '..', '..');

/** The only place below `test/services` that looks at the environment. */
export function readTestEnvironment(env: NodeJS.ProcessEnv): TestEnvironment {
  const text = (name: string): string | null => {
    const value = env[name];
    return value === undefined || value === '' ? null : value;
  };
  return {
    kafkaBootstrapServers: text('KAFKA_BOOTSTRAP_SERVERS'),
    registryUrl: text('SCHEMA_REGISTRY_URL'),
    neo4jUri: text('NEO4J_URI'),
    neo4jUser: text('NEO4J_USER'),
    neo4jPassword: text('NEO4J_PASSWORD'),
    cassandraContactPoints: text('CASSANDRA_CONTACT_POINTS'),
    cacheDirectory: text('JOURNEY_GRAPH_SERVICES_DIR') ?? join(repositoryRoot, '.services'),
    dockerHost: text('DOCKER_HOST'),
    javaHome: text('JAVA_HOME'),
    searchPath: text('PATH') ?? '',
  };
}
