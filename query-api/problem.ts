import type { ServerResponse } from 'node:http';

const problemType = 'application/json; charset=utf-8';

/** An answer in GraphQL's own form, so that every client reads it alike. */
export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  requestId: string,
): void {
  const body = `${JSON.stringify({ errors: [{ message, extensions: { code, requestId } }] })}\n`;
  response.writeHead(status, { 'content-type': problemType }).end(body);
}
