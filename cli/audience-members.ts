import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { OutageError } from '../foundation/index.ts';
import { endpointUrl, type GraphqlEndpoint, unreachableServer, wantsToken } from './graphql-client.ts';

/**
 * The lines of a running server's answer, without its last, which says that there are no more.
 *
 * Throws RefusedError (INVALID_URL, UNAUTHORIZED) or OutageError (SERVER_UNREACHABLE, SERVER_REFUSED, SERVER_CUT_OFF, INTERRUPTED).
 */
export async function* readMembers(
  { url: root, token }: GraphqlEndpoint,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const url = endpointUrl(root, `/audiences/${encodeURIComponent(id)}/members`);
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  try {
    const response = await fetch(url, { headers, redirect: 'error', signal });
    if (response.status === 401) throw wantsToken(url);
    if (response.status !== 200) throw refused(url, response.status, await response.text());
    const lines = createInterface({ input: Readable.from(response.body ?? []) });
    for await (const line of lines) {
      if (line.startsWith('{"end":true')) return;
      yield line;
    }
  } catch (cause) {
    if (signal.aborted) throw new OutageError('INTERRUPTED', 'Interrupted; nothing was changed.', { cause });
    if (cause instanceof TypeError) throw unreachableServer(url, 'does not answer', cause);
    throw cause;
  }
  throw new OutageError(
    'SERVER_CUT_OFF',
    `${url.origin} ended its answer to ${url.pathname} before it was complete; look at its log, then ask again.`,
  );
}

function refused(url: URL, status: number, text: string): OutageError {
  const message = /"message":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? `answered ${status}`;
  return new OutageError('SERVER_REFUSED', `${url.origin} refused ${url.pathname}: ${message}`);
}
