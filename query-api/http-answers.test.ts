import { describe, expect, it } from 'vitest';
import { startTestApi } from './api-testing.ts';

describe('The health checks', () => {
  it.each([
    [true, 200],
    [false, 503],
  ])('answer %s readiness with %i, and alive in any case, to any host name', async (ready, expected) => {
    const server = await startTestApi({ status: { ready: () => ready }, gate: { token: 'tok-en' } });
    try {
      expect((await fetch(`${server.url}/readyz`)).status).toBe(expected);
      expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    } finally {
      await server.close();
    }
  });
});

describe('The answer', () => {
  const rows = [
    ['application/graphql-response+json', '{__typename}', 200, 'application/graphql-response+json'],
    ['application/graphql-response+json', '{nope}', 400, 'application/graphql-response+json'],
    ['application/json', '{__typename}', 200, 'application/json'],
    ['*/*', '{__typename}', 200, 'application/json'],
    ['text/plain', '{__typename}', 406, 'application/json'],
  ] as const;

  it.each(rows)('to Accept %s for %s is %i %s', async (accept, query, expected, type) => {
    const server = await startTestApi();
    try {
      const headers = { accept, 'content-type': 'application/json' };
      const body = JSON.stringify({ query });
      const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body });
      expect(response.status).toBe(expected);
      expect(response.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
      await response.text();
    } finally {
      await server.close();
    }
  });

  it('to a GET that only a client of ours can send has the data; one that would change something does not', async () => {
    const server = await startTestApi();
    try {
      const headers = { 'apollo-require-preflight': '1' };
      const read = await fetch(`${server.url}/graphql?query={__typename}`, { headers });
      expect([read.status, await read.json()]).toEqual([200, { data: { __typename: 'Query' } }]);
      const write = await fetch(`${server.url}/graphql?query=mutation{deleteAudience(id:"x")}`, { headers });
      expect([write.status, await write.text()]).toEqual([405, expect.stringContaining('"requestId"')]);
    } finally {
      await server.close();
    }
  });
});
