import { connect, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { ServiceError } from './service-error.ts';

/**
 * One request and one answer, in JSON, over a Unix socket: how a test's worker asks the main process for a
 * service, and how `npm run services -- stop` reaches the process that owns them. A socket, unlike a process id in a
 * file, cannot belong to somebody else by now.
 */
export function serveControl(path: string, answer: (request: unknown) => Promise<unknown>): Promise<Server> {
  // Half open, because the end of the request is the end of what the client sends.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    text(socket)
      .then((request) => replyTo(request, answer))
      .then((reply) => socket.end(JSON.stringify(reply)))
      // The client is gone; there is nobody to tell.
      .catch(() => socket.destroy());
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

async function replyTo(request: string, answer: (request: unknown) => Promise<unknown>): Promise<unknown> {
  try {
    return { ok: true, value: await answer(JSON.parse(request)) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/** @throws {ServiceError} when nobody listens on the socket or the answer is a refusal. */
export async function askControl(path: string, request: unknown): Promise<unknown> {
  const reply = await exchange(path, JSON.stringify(request));
  const answer: unknown = reply === '' ? null : JSON.parse(reply);
  if (typeof answer === 'object' && answer !== null && 'ok' in answer) {
    if (answer.ok === true && 'value' in answer) return answer.value;
    if ('error' in answer) throw new ServiceError(String(answer.error));
  }
  throw new ServiceError(`The process behind ${path} ended without an answer.`);
}

async function exchange(path: string, request: string): Promise<string> {
  const socket = connect(path);
  try {
    socket.end(request);
    return await text(socket);
  } catch (error) {
    throw new ServiceError(`No services are running here (nobody answers on ${path}).`, { cause: error });
  }
}
