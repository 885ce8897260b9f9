import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { serveControl } from './control-socket.ts';
import { readTestEnvironment } from './environment.ts';
import { isServiceName, type Provisions } from './service.ts';
import { ServiceError } from './service-error.ts';
import { ServiceHost } from './service-host.ts';
import { serveTurns } from './turns.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where services come from, the socket that starts them, and the one where files take turns at them. */
    services: { readonly provisions: Provisions; readonly socket: string; readonly turns: string };
  }
}

/**
 * Runs once in vitest's main process, before any test file. Nothing is started here: suites ask through the socket when
 * their turn comes, so a run of unit tests alone pays for a look at the PATH and nothing else.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const host = await ServiceHost.create(readTestEnvironment(process.env));
  const directory = await mkdtemp(join(tmpdir(), 'journey-graph-test-'));
  const socket = join(directory, 'services.sock');
  const server = await serveControl(socket, async (request) => {
    if (request === 'python') return host.python();
    if (typeof request !== 'string' || !isServiceName(request))
      throw new ServiceError('Expected the name of a service.');
    return (await host.need(request)).address;
  });
  const turns = join(directory, 'turns.sock');
  const turnServer = await serveTurns(turns);
  project.provide('services', { provisions: host.provisions, socket, turns });

  return async () => {
    server.close();
    turnServer.close();
    await host.dispose();
    await rm(directory, { recursive: true, force: true });
  };
}
