import type { ServerResponse } from 'node:http';
import type { Log } from '../../foundation/index.ts';
import { problem } from '../problem.ts';
import type { Authentication } from './access.ts';
import type { Caller } from './caller.ts';

const retryAfterSeconds = '5';

/** The caller learns that the token is no good; why stands in the log under the request id. */
export function sendRefusal(
  response: ServerResponse,
  { status, code, message, challenge, reason }: Authentication & { readonly kind: 'refused' },
  requestId: string,
  log: Log,
): void {
  if (challenge !== null) response.setHeader('www-authenticate', challenge);
  if (status === 503) response.setHeader('retry-after', retryAfterSeconds);
  const level = code === 'UNAUTHENTICATED' ? 'debug' : 'warn';
  log[level]({ requestId, code, reason }, 'A caller was not let in.');
  problem(response, status, code, message, requestId);
}

/** What is about everybody's data, and no policy narrows, is not for callers with a JWT. True when it was refused. */
export function refuseToken(
  response: ServerResponse,
  caller: Caller,
  what: string,
  requestId: string,
): boolean {
  if (caller.kind !== 'token') return false;
  const message = `${what} is for the holder of \`api.token\` only.`;
  problem(response, 403, 'FORBIDDEN', message, requestId);
  return true;
}
