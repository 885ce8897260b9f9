import type { ServerResponse } from 'node:http';

/** Aborts when nobody waits for the answer any more: at once if that was so before anybody asked. Behind an answer that is out it says nothing. */
export function clientGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  response.once('close', () => gone.abort());
  return gone.signal;
}
