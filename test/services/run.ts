import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { askControl, serveControl } from './control-socket.ts';
import { readTestEnvironment, type TestEnvironment } from './environment.ts';
import {
  addressVariables,
  isServiceName,
  type RunningService,
  type ServiceName,
  serviceNames,
} from './service.ts';
import { ServiceError } from './service-error.ts';
import { ServiceHost } from './service-host.ts';

const usage = `Usage: npm run services -- [start|stop|status] [--only kafka,registry,neo4j,cassandra]

start   (default) starts the services on the loopback interface and keeps them until Ctrl-C
stop    stops those that another terminal started
status  prints where they listen`;

/** One set of services a cache folder and user; the name is short because a socket's path may have 100 bytes. */
function controlSocket(environment: TestEnvironment): string {
  const digest = createHash('sha256')
    .update(`${userInfo().username}\0${environment.cacheDirectory}`)
    .digest('hex');
  return join(tmpdir(), `journey-graph-services-${digest.slice(0, 12)}.sock`);
}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArguments(args);
  const environment = readTestEnvironment(process.env);
  const socket = controlSocket(environment);
  const command = positionals[0] ?? 'start';
  if (values.help === true) {
    console.log(usage);
    return;
  }
  switch (command) {
    case 'start':
      return start(environment, socket, chosen(values.only));
    case 'stop':
      await askControl(socket, 'stop');
      console.log('The services are stopped.');
      return;
    case 'status':
      console.log(await askControl(socket, 'status'));
      return;
    default:
      throw new ServiceError(`There is no command "${command}".\n${usage}`);
  }
}

function parseArguments(args: readonly string[]): {
  values: { only?: string | undefined; help?: boolean | undefined };
  positionals: string[];
} {
  try {
    const options = { only: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new ServiceError(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

function chosen(only: string | undefined): readonly ServiceName[] {
  if (only === undefined) return serviceNames;
  return only.split(',').map((name) => {
    if (!isServiceName(name)) {
      throw new ServiceError(`--only does not know "${name}": it takes ${serviceNames.join(', ')}.`);
    }
    return name;
  });
}

async function start(
  environment: TestEnvironment,
  socket: string,
  names: readonly ServiceName[],
): Promise<void> {
  await refuseSecondStart(socket);
  // Started here on purpose: addresses in the environment are for tests and would make this command do nothing.
  const host = await ServiceHost.create({
    ...environment,
    kafkaBootstrapServers: null,
    registryUrl: null,
    neo4jUri: null,
    cassandraContactPoints: null,
  });
  const ended = Promise.withResolvers<void>();
  const end = (): void => ended.resolve();
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  process.once('SIGHUP', end);
  let description = 'The services are starting.';
  let stopped: Promise<void> | null = null;
  const server = await serveControl(socket, async (request) => {
    if (request === 'status') return description;
    if (request !== 'stop') throw new ServiceError('Expected "status" or "stop".');
    end();
    await stopped;
    return null;
  });
  stopped = (async () => {
    await ended.promise;
    await host.dispose();
  })();
  try {
    console.error(`Starting ${names.join(', ')} (a first start downloads them) ...`);
    const services = await Promise.all(names.map((name) => host.need(name)));
    description = describeServices(services);
    console.log(description);
    console.error('\nCtrl-C stops them.');
    await ended.promise;
    console.error('Stopping ...');
  } finally {
    end();
    await stopped;
    server.close();
    await once(server, 'close');
  }
}

async function refuseSecondStart(socket: string): Promise<void> {
  let running: unknown;
  try {
    running = await askControl(socket, 'status');
  } catch {
    // Nobody answers: the socket of a process that was killed would only be in the way.
    rmSync(socket, { force: true });
    return;
  }
  throw new ServiceError(
    `The services are running already; stop them with npm run services -- stop.\n${running}`,
  );
}

function describeServices(services: readonly RunningService[]): string {
  const rows = services.map(({ name, address, by, pid }) => {
    const process = pid === null ? '' : `, process ${pid}`;
    return `${name.padEnd(9)} ${address}  (${by}${process})`;
  });
  const exports = services.map(({ name, address }) => `export ${addressVariables[name]}=${address}`);
  return [...rows, '', ...exports].join('\n');
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof ServiceError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
