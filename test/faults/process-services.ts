import { type CassandraCluster, startCassandraCluster } from '../services/cassandra-cluster.ts';
import { readTestEnvironment } from '../services/environment.ts';
import { findJavaTools } from '../services/java-tools.ts';
import { type KafkaBroker, startKafkaCluster } from '../services/kafka.ts';
import { type Registry, startRegistryWith } from '../services/registry.ts';
import { ServiceError } from '../services/service-error.ts';

export interface ProcessServices {
  readonly brokers: readonly KafkaBroker[];
  readonly bootstrapServers: string;
  readonly cassandra: CassandraCluster;
  readonly registry: Registry;
}

/**
 * Three brokers, three Cassandra nodes and a registry, which are left to `cleanup`.
 *
 * @throws {ServiceError} when Java or Maven is missing, or one does not come up.
 */
export async function startProcessServices(
  cleanup: AsyncDisposableStack,
  say: (line: string) => void,
): Promise<ProcessServices> {
  const environment = readTestEnvironment(process.env);
  const java = await findJavaTools(environment);
  if (!java.found) throw new ServiceError(`Cannot start brokers and Cassandra: it needs ${java.lacking}.`);
  const { tools } = java;
  const { cacheDirectory } = environment;
  say('starting three brokers');
  const brokers = await startKafkaCluster(tools, cacheDirectory);
  cleanup.defer(async () => {
    await Promise.all(brokers.map((broker) => broker.dispose()));
  });
  say('starting the registry');
  const registry = await startRegistryWith(tools, cacheDirectory);
  cleanup.defer(() => registry.dispose());
  say('starting three Cassandra nodes');
  const cassandra = await startCassandraCluster(tools, cacheDirectory);
  cleanup.defer(() => cassandra.dispose());
  const bootstrapServers = brokers.map(({ bootstrapServers: own }) => own).join(',');
  return { brokers, bootstrapServers, cassandra, registry };
}
