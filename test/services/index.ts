import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { must } from '../../foundation/index.ts';
import {
  type CassandraNode,
  type CassandraOptions,
  cassandraDataCenter,
  startCassandraWith,
} from './cassandra.ts';
import { askControl } from './control-socket.ts';
import { readTestEnvironment } from './environment.ts';
import './global-setup.ts';
import { findJavaTools, type JavaTools } from './java-tools.ts';
import { type KafkaBroker, type KafkaOptions, startKafkaWith } from './kafka.ts';
import { type Neo4jCredentials, type Neo4jOptions, type Neo4jServer, startNeo4jWith } from './neo4j.ts';
import { fetchPackage } from './packages.ts';
import { type Need, type ServiceName, serviceNames } from './service.ts';
import { ServiceError } from './service-error.ts';
import { takeTurn } from './turns.ts';

export type { CassandraNode } from './cassandra.ts';
export { makeClientIdentity } from './cassandra-configuration.ts';
export type { KafkaBroker, KafkaOptions } from './kafka.ts';
export type { Need } from './service.ts';

/** A first start may download a few hundred megabytes. */
export const startTimeoutMs = 600_000;

/**
 * The services in which suites would see each other: one graph in Neo4j, one set of subjects in the registry. Topics have names
 * of their own, so Kafka serves all at once.
 */
const oneAtATime: ReadonlySet<ServiceName> = new Set<ServiceName>(['registry', 'neo4j']);

/** Addresses of the services a suite asked for; reading one that it did not ask for throws. Valid in hooks and tests. */
export interface TestServices {
  /** `host:port[,host:port]` of Kafka. Topics of other suites are in the same broker: use names of your own. */
  readonly bootstrapServers: string;
  /** Base URL of Confluent's registry API. */
  readonly registryUrl: string;
  readonly neo4j: { readonly uri: string; readonly credentials: Neo4jCredentials | null };
  /** Suites have keyspaces of their own, of so many copies of each row. */
  readonly cassandra: {
    readonly contactPoints: readonly string[];
    readonly dataCenter: string;
    readonly replication: number;
  };
}

/**
 * A suite that needs real services. They are started when the first such suite of the run begins, and shared.
 * Where one is to be had neither from the environment, nor from Docker, nor from Java, the suite is skipped with one test
 * that carries the reason as its note, which the end of the run repeats. `java` and `python` ask for nothing to be started:
 * the suite starts brokers of its own with {@link startKafka}, or programs in a virtual environment.
 */
export function describeWith(
  ...needs: readonly Need[]
): (title: string, body: (services: TestServices) => void) => void {
  return (title, body) => {
    const context = inject('services');
    if (context === undefined) {
      throw new ServiceError(
        'No services: vitest.config.ts must name test/services/global-setup.ts as globalSetup.',
      );
    }
    const reasons = needs.flatMap((need) => {
      const provision = context.provisions[need];
      return provision.kind === 'lacking' ? [`${need} ${provision.reason}`] : [];
    });
    if (reasons.length > 0) {
      describe(title, () => {
        it('has the services it needs', (test) => test.skip(reasons.join('; ')));
      });
      return;
    }
    describe(title, () => {
      const addresses = new Map<ServiceName, string>();
      const turns: (() => Promise<void>)[] = [];
      beforeAll(async () => {
        // Before anything is taken turns at: an installation is no reason to keep others waiting.
        if (needs.includes('python')) await askControl(context.socket, 'python');
        // All suites ask in this one order, so no two wait for each other.
        for (const name of serviceNames) {
          if (!needs.includes(name)) continue;
          if (oneAtATime.has(name)) turns.push(await takeTurn(context.turns, name));
          addresses.set(name, String(await askControl(context.socket, name)));
        }
      }, startTimeoutMs);
      afterAll(async () => {
        for (const release of turns) await release();
      });
      body(servicesFrom(addresses));
    });
  };
}

function servicesFrom(addresses: ReadonlyMap<ServiceName, string>): TestServices {
  const address = (name: ServiceName): string =>
    must(addresses.get(name), `${name} is not asked for in describeWith(), or read before the suite began`);
  return {
    get bootstrapServers() {
      return address('kafka');
    },
    get registryUrl() {
      return address('registry');
    },
    get neo4j() {
      const { neo4jUri, neo4jUser, neo4jPassword } = readTestEnvironment(process.env);
      const given = neo4jUri !== null && neo4jUser !== null;
      return {
        uri: address('neo4j'),
        credentials: given ? { user: neo4jUser, password: neo4jPassword ?? '' } : null,
      };
    },
    get cassandra() {
      const contactPoints = address('cassandra').split(',');
      // Each is a node: what three are given for is that there are three copies.
      return {
        contactPoints,
        dataCenter: cassandraDataCenter,
        replication: Math.min(3, contactPoints.length),
      };
    },
  };
}

/**
 * A broker of the test's own, with listeners and settings of its choice, which may be stopped, killed and started again on
 * the same data and ports. The caller calls `dispose` in `afterAll`; should the test process die, the broker dies with it.
 *
 * @throws {ServiceError} when Java or Maven is missing (ask for `java` in {@link describeWith}) or it does not come up.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaBroker> {
  const { tools, cacheDirectory } = await javaOrThrow('start Kafka');
  return startKafkaWith(tools, cacheDirectory, options);
}

/**
 * A Neo4j of the test's own, with a password. The caller calls `dispose` in `afterAll`.
 *
 * @throws {ServiceError} when Java or Maven is missing (ask for `java` in {@link describeWith}) or it does not come up.
 */
export async function startNeo4j(options: Neo4jOptions): Promise<Neo4jServer> {
  const { tools, cacheDirectory } = await javaOrThrow('start Neo4j');
  return startNeo4jWith(tools, cacheDirectory, options);
}

/**
 * A Cassandra node of the test's own. The caller calls `dispose` in `afterAll`.
 *
 * @throws {ServiceError} when Java or Maven is missing (ask for `java` in {@link describeWith}) or it does not come up.
 */
export async function startCassandra(options: CassandraOptions = {}): Promise<CassandraNode> {
  const { tools, cacheDirectory } = await javaOrThrow('start Cassandra');
  return startCassandraWith(tools, cacheDirectory, options);
}

/**
 * Runs a Java program of `fixtures/` that uses Kafka's own client, to its end.
 *
 * @throws {ServiceError} when Java or Maven is missing; anything else when the program fails.
 */
export async function runKafkaProgram(file: string, args: readonly string[]): Promise<void> {
  const { tools, cacheDirectory } = await javaOrThrow(`run ${file}`);
  const program = join(import.meta.dirname, 'fixtures', file);
  const lib = await fetchPackage('kafka', tools, cacheDirectory);
  await promisify(execFile)(tools.java, ['-Xmx256m', '-cp', join(lib, '*'), program, ...args]);
}

async function javaOrThrow(
  purpose: string,
): Promise<{ readonly tools: JavaTools; readonly cacheDirectory: string }> {
  const environment = readTestEnvironment(process.env);
  const java = await findJavaTools(environment);
  if (!java.found) throw new ServiceError(`Cannot ${purpose}: it needs ${java.lacking}.`);
  return { tools: java.tools, cacheDirectory: environment.cacheDirectory };
}
