import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { assert, StopError } from '../foundation/index.ts';

/** @throws StopError `PORT_IN_USE` or `CANNOT_LISTEN`. */
export function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException): void => reject(listenError(cause, host, port));
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

/** Of a server that listens; without a slash at the end. */
export function urlOf(server: Server): string {
  const address = server.address();
  assert(address !== null && typeof address === 'object', 'a listening TCP server has an address');
  return `http://${hostText(address)}:${address.port}`;
}

function hostText({ address, family }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return 'localhost';
  return family === 'IPv6' ? `[${address}]` : address;
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): StopError {
  if (cause.code === 'EADDRINUSE') {
    const message = `Port ${port} on ${host} is in use, perhaps by another Journey Graph: choose another with --port.`;
    return new StopError('PORT_IN_USE', message, { cause, context: { setting: 'port' } });
  }
  const message = `Cannot listen on ${host} port ${port} (${cause.code ?? 'unknown reason'}): check --host and --port.`;
  return new StopError('CANNOT_LISTEN', message, { cause, context: { setting: 'host' } });
}
