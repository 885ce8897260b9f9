/** The services that tests share. */
export const serviceNames = ['kafka', 'registry', 'neo4j', 'cassandra'] as const;

export type ServiceName = (typeof serviceNames)[number];

export function isServiceName(text: string): text is ServiceName {
  return serviceNames.some((name) => name === text);
}

/** Environment variable that carries the service's address, for people and for `describeWith`. */
export const addressVariables: Readonly<Record<ServiceName, string>> = {
  kafka: 'KAFKA_BOOTSTRAP_SERVERS',
  registry: 'SCHEMA_REGISTRY_URL',
  neo4j: 'NEO4J_URI',
  cassandra: 'CASSANDRA_CONTACT_POINTS',
};

export interface RunningService {
  readonly name: ServiceName;
  /** Bootstrap servers, base URL, bolt URI or contact points. */
  readonly address: string;
  /** What runs it: `environment`, `container apache/kafka:4.1.0`, `java`. */
  readonly by: string;
  readonly pid: number | null;
  dispose(): Promise<void>;
}

/** Where a service will come from when a test asks for it, decided without starting anything. */
export type Provision =
  | { readonly kind: 'environment'; readonly address: string }
  | { readonly kind: 'docker' }
  | { readonly kind: 'local' }
  | { readonly kind: 'lacking'; readonly reason: string };

/**
 * Besides services: `java` for brokers that a test starts on its own with {@link startKafka}, `python` for programs in a
 * virtual environment (`test/python`). Nothing is started for either; the packages
 * of `test/python` are installed before the suite begins.
 */
export type Need = ServiceName | 'java' | 'python';

export type Provisions = Readonly<Record<Need, Provision>>;
