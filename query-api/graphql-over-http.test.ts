import { type AuditResult, serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi } from './api-testing.ts';
import type { ApiServer } from './server.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await startTestApi();
});
afterAll(() => server.close());

/** Each audit asks for the address when it runs, which is after the server has begun to listen. */
const url = (): string => `${server.url}/graphql`;
const audits = serverAudits({ url });

/**
 * What we do otherwise, and mean to. SHOULD: a document that is refused is a 4xx for every media type, as it is for
 * `application/graphql-response+json`, so that proxies and meters see it. MAY: a GET needs a header that a form of another site cannot send.
 */
const meantOtherwise: Readonly<Record<string, 'warn' | 'notice'>> = {
  '572B': 'warn',
  FDE2: 'warn',
  '7B9B': 'warn',
  '5A70': 'notice',
  D6D5: 'notice',
  '6A70': 'notice',
};

describe('By the specification of GraphQL over HTTP the server', () => {
  it.each(audits.map((audit) => [audit.id, audit.name, audit] as const))(
    '%s %s',
    async (id, _name, audit) => {
      const result = await audit.fn();
      expect(result.status, reasonOf(result)).toBe(meantOtherwise[id] ?? 'ok');
    },
  );

  it('is asked everything: what every server must, should and may do', () => {
    const levels = new Set(audits.map(({ name }) => name.split(' ')[0]));
    expect([...levels].sort()).toEqual(['MAY', 'MUST', 'SHOULD']);
    expect(audits.length).toBeGreaterThanOrEqual(61);
    expect(audits.map(({ id }) => id)).toEqual(expect.arrayContaining(Object.keys(meantOtherwise)));
  });

  it('takes each GET of the audits once it carries the header', async () => {
    const fetchFn = (input: string, init: RequestInit = {}): Promise<Response> => {
      const headers = new Headers(init.headers);
      headers.set('apollo-require-preflight', '1');
      return fetch(input, { ...init, headers });
    };
    const asked = serverAudits({ url, fetchFn }).filter(({ id }) => meantOtherwise[id] === 'notice');
    const results = await Promise.all(asked.map((audit) => audit.fn()));
    expect(results.map((result) => [result.status, reasonOf(result)])).toEqual(results.map(() => ['ok', '']));
    expect(results).toHaveLength(3);
  });
});

function reasonOf(result: AuditResult): string {
  return result.status === 'ok' ? '' : result.reason;
}
