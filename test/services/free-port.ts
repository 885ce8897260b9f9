import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { ServiceError } from './service-error.ts';

/**
 * Below the range from which systems take ports of outgoing connections: a port handed out by `listen(0)` may be taken by
 * a connection before the service binds it a second later.
 */
const portMin = 20_000;
const portMax = 32_000;
const attemptsMax = 100;

/** Ports on the loopback interface that nobody listens on now, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found = new Set<number>();
  for (let attempt = 0; attempt < attemptsMax && found.size < count; attempt++) {
    const port = randomInt(portMin, portMax);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  if (found.size < count)
    throw new ServiceError(`Found no ${count} free ports between ${portMin} and ${portMax} on 127.0.0.1.`);
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  });
}
