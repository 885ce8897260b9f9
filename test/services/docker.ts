import { request } from 'node:http';
import { systemClock } from '../../foundation/index.ts';
import { answersCql, cassandraDataCenter } from './cassandra.ts';
import type { TestEnvironment } from './environment.ts';
import { freePorts } from './free-port.ts';
import { images } from './images.ts';
import { answersMetadata } from './kafka.ts';
import { answersQuery } from './neo4j.ts';
import { answersSubjects } from './registry.ts';
import type { RunningService, ServiceName } from './service.ts';
import { ServiceError } from './service-error.ts';

const pingTimeoutMs = 1_000;
const readyTimeoutMs = 120_000;
const pollMs = 200;
const kafkaPort = 9092;

/** True when a Docker engine answers; an installed client without an engine does not count. */
export function dockerAnswers(environment: TestEnvironment): Promise<boolean> {
  const address = environment.dockerHost ?? 'unix:///var/run/docker.sock';
  if (!URL.canParse(address)) return Promise.resolve(false);
  const url = new URL(address);
  const target =
    url.protocol === 'unix:'
      ? { socketPath: url.pathname }
      : { host: url.hostname, port: Number(url.port || 2375) };
  return new Promise((resolve) => {
    const ping = request({ ...target, path: '/_ping', timeout: pingTimeoutMs }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.once('timeout', () => ping.destroy());
    ping.once('error', () => resolve(false));
    ping.once('close', () => resolve(false));
    ping.end();
  });
}

interface Recipe {
  readonly containerPort: number;
  readonly environment: (hostPort: number) => Record<string, string>;
  readonly address: (hostPort: number) => string;
  readonly ready: (address: string) => Promise<boolean>;
}

const recipes: Readonly<Record<ServiceName, Recipe>> = {
  kafka: {
    containerPort: kafkaPort,
    environment: kafkaEnvironment,
    address: (port) => `127.0.0.1:${port}`,
    ready: answersMetadata,
  },
  registry: {
    containerPort: 8080,
    environment: () => ({}),
    address: (port) => `http://127.0.0.1:${port}/apis/ccompat/v7`,
    ready: answersSubjects,
  },
  neo4j: {
    containerPort: 7687,
    environment: () => ({ NEO4J_AUTH: 'none' }),
    address: (port) => `bolt://127.0.0.1:${port}`,
    ready: (address) => answersQuery(address, null),
  },
  cassandra: {
    containerPort: 9042,
    environment: () => ({
      CASSANDRA_DC: cassandraDataCenter,
      CASSANDRA_ENDPOINT_SNITCH: 'GossipingPropertyFileSnitch',
      MAX_HEAP_SIZE: '1G',
      HEAP_NEWSIZE: '200M',
    }),
    address: (port) => `127.0.0.1:${port}`,
    ready: (address) => answersCql(address, null),
  },
};

/** Clients are sent to the advertised address, so the host's port has to be known before the container starts. */
function kafkaEnvironment(hostPort: number): Record<string, string> {
  return {
    KAFKA_NODE_ID: '1',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_LISTENERS: `PLAINTEXT://:${kafkaPort},CONTROLLER://:9093`,
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${hostPort}`,
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
  };
}

/** Starts the service in a container; testcontainers' own reaper removes it should this process die. */
export async function startContainer(name: ServiceName): Promise<RunningService> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const recipe = recipes[name];
  const [hostPort = 0] = await freePorts(1);
  const container = await new GenericContainer(images[name])
    .withExposedPorts({ container: recipe.containerPort, host: hostPort })
    .withEnvironment(recipe.environment(hostPort))
    .withWaitStrategy(Wait.forListeningPorts())
    .start();
  const address = recipe.address(hostPort);
  try {
    await untilReady(name, () => recipe.ready(address));
  } catch (error) {
    await container.stop();
    throw error;
  }
  return {
    name,
    address,
    by: `container ${images[name]}`,
    pid: null,
    dispose: async () => {
      await container.stop();
    },
  };
}

async function untilReady(name: ServiceName, check: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock.now() + readyTimeoutMs;
  let last: unknown = null;
  while (systemClock.now() < deadline) {
    try {
      if (await check()) return;
    } catch (error) {
      last = error;
    }
    await systemClock.sleep(pollMs);
  }
  throw new ServiceError(`The container of ${name} did not answer within ${readyTimeoutMs / 1000} s.`, {
    cause: last,
  });
}
