import type { ServerResponse } from 'node:http';

const problemType = 'application/json; charset=utf-8';

/** What each answer was refused with, for whoever counts them. */
const codes = new WeakMap<ServerResponse, string>();

/** Null when it was not answered by `problem`. */
export function problemCodeOf(response: ServerResponse): string | null {
  return codes.get(response) ?? null;
}

/** An answer in GraphQL's own form, so that every client reads it alike. */
export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  requestId: string,
  more: Readonly<Record<string, unknown>> = {},
): void {
  codes.set(response, code);
  const body = `${JSON.stringify({ errors: [{ message, extensions: { code, ...more, requestId } }] })}\n`;
  response.writeHead(status, { 'content-type': problemType }).end(body);
}
