import { unreachable } from '../../foundation/index.ts';
import { findPython, pythonWithPackages } from '../python/venv.ts';
import { answersCql, startCassandraWith } from './cassandra.ts';
import { dockerAnswers, startContainer } from './docker.ts';
import type { TestEnvironment } from './environment.ts';
import { findJavaTools, type JavaTools, type JavaToolsAnswer } from './java-tools.ts';
import { answersMetadata, startKafkaWith } from './kafka.ts';
import { answersQuery, startNeo4jWith } from './neo4j.ts';
import { answersSubjects, startRegistryWith } from './registry.ts';
import {
  addressVariables,
  type Provision,
  type Provisions,
  type RunningService,
  type ServiceName,
} from './service.ts';
import { ServiceError } from './service-error.ts';

/**
 * Owns the services of one test run, or of `npm run services`: decides where each comes from (environment, Docker, JVM),
 * starts it when it is first asked for, once, and stops everything at the end.
 */
export class ServiceHost {
  readonly #environment: TestEnvironment;
  readonly #java: JavaToolsAnswer;
  readonly provisions: Provisions;
  readonly #started = new Map<ServiceName, Promise<RunningService>>();
  #python: Promise<string> | null = null;
  #disposed = false;

  private constructor(environment: TestEnvironment, java: JavaToolsAnswer, provisions: Provisions) {
    this.#environment = environment;
    this.#java = java;
    this.provisions = provisions;
  }

  static async create(environment: TestEnvironment): Promise<ServiceHost> {
    const [docker, java, python] = await Promise.all([
      dockerAnswers(environment),
      findJavaTools(environment),
      findPython(environment.searchPath),
    ]);
    return new ServiceHost(environment, java, provisionsOf(environment, docker, java, python));
  }

  /** The running service; starts it on the first call. A failed start is remembered: it would fail the same way again. */
  need(name: ServiceName): Promise<RunningService> {
    if (this.#disposed) throw new ServiceError(`Asked for ${name} after the services were stopped.`);
    const known = this.#started.get(name);
    if (known !== undefined) return known;
    const starting = this.#start(name);
    this.#started.set(name, starting);
    return starting;
  }

  /**
   * The interpreter that runs `test/python`. Its packages are a minute's work where they are not installed yet, so all suites wait for one
   * installation, and none of them in the time of a test. One that failed is tried again for the next suite.
   */
  async python(): Promise<string> {
    this.#python ??= pythonWithPackages();
    try {
      return await this.#python;
    } catch (error) {
      this.#python = null;
      throw error;
    }
  }

  async #start(name: ServiceName): Promise<RunningService> {
    const provision = this.provisions[name];
    switch (provision.kind) {
      case 'environment':
        await this.#checkGiven(name, provision.address);
        return {
          name,
          address: provision.address,
          by: 'environment',
          pid: null,
          dispose: () => Promise.resolve(),
        };
      case 'docker':
        return startContainer(name);
      case 'local':
        return this.#startJvm(name);
      case 'lacking':
        throw new ServiceError(`Cannot start ${name}: ${provision.reason}.`);
      default:
        return unreachable(provision);
    }
  }

  async #checkGiven(name: ServiceName, address: string): Promise<void> {
    const { neo4jUser, neo4jPassword } = this.#environment;
    const credentials = neo4jUser === null ? null : { user: neo4jUser, password: neo4jPassword ?? '' };
    const checks: Readonly<Record<ServiceName, () => Promise<boolean>>> = {
      kafka: () => answersMetadata(address),
      registry: () => answersSubjects(address),
      neo4j: () => answersQuery(address, credentials),
      cassandra: () => answersCql(address, null),
    };
    try {
      if (await checks[name]()) return;
    } catch (error) {
      throw new ServiceError(`${addressVariables[name]} is ${address}, but no ${name} answers there.`, {
        cause: error,
      });
    }
    throw new ServiceError(`${addressVariables[name]} is ${address}, but what answers there is no ${name}.`);
  }

  async #startJvm(name: ServiceName): Promise<RunningService> {
    const tools = this.#tools(name);
    const cache = this.#environment.cacheDirectory;
    switch (name) {
      case 'kafka': {
        const broker = await startKafkaWith(tools, cache);
        return running(name, broker.bootstrapServers, broker);
      }
      case 'registry': {
        const registry = await startRegistryWith(tools, cache);
        return running(name, registry.url, registry);
      }
      case 'neo4j': {
        const server = await startNeo4jWith(tools, cache);
        return running(name, server.uri, server);
      }
      case 'cassandra': {
        const node = await startCassandraWith(tools, cache);
        return running(name, node.contactPoint, node);
      }
      default:
        return unreachable(name);
    }
  }

  #tools(name: ServiceName): JavaTools {
    if (!this.#java.found) throw new ServiceError(`Cannot start ${name}: it needs ${this.#java.lacking}.`);
    return this.#java.tools;
  }

  /** Stops whatever was started, also what is still starting. Idempotent. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    const results = await Promise.allSettled(this.#started.values());
    this.#started.clear();
    const services = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    await Promise.all(services.map((service) => service.dispose()));
  }
}

function running(
  name: ServiceName,
  address: string,
  process: { readonly pid: number; dispose(): Promise<void> },
): RunningService {
  return { name, address, by: 'java', pid: process.pid, dispose: () => process.dispose() };
}

function provisionsOf(
  environment: TestEnvironment,
  docker: boolean,
  java: JavaToolsAnswer,
  python: string | null,
): Provisions {
  const own: Provision = java.found
    ? { kind: 'local' }
    : { kind: 'lacking', reason: `needs ${java.lacking}` };
  const started: Provision = docker ? { kind: 'docker' } : own;
  const choose = (name: ServiceName, address: string | null): Provision => {
    if (address !== null) return { kind: 'environment', address };
    if (started.kind !== 'lacking') return started;
    return { kind: 'lacking', reason: `${started.reason}, or a Docker engine, or ${addressVariables[name]}` };
  };
  return {
    kafka: choose('kafka', environment.kafkaBootstrapServers),
    registry: choose('registry', environment.registryUrl),
    neo4j: choose('neo4j', environment.neo4jUri),
    cassandra: choose('cassandra', environment.cassandraContactPoints),
    java: own,
    python: python === null ? { kind: 'lacking', reason: 'needs python3 with venv' } : { kind: 'local' },
  };
}
