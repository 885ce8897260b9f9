import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Attack, attacks, refusalFault } from '../test/hostile/attacks.ts';
import { ask, startTestApi } from './api-testing.ts';
import type { ApiServer } from './server.ts';

/** Of the whole exchange, on a machine that others use; the benchmark of the same attacks is stricter. */
const refusedWithinMs = 2000;
const answerCharactersMax = 60_000;

let server: ApiServer;
beforeAll(async () => {
  server = await startTestApi();
});
afterAll(() => server.close());

async function launch({ method, search, headers, body }: Attack): Promise<readonly [number, string]> {
  const response = await fetch(`${server.url}/graphql${search}`, { method, headers, body });
  return [response.status, await response.text()];
}

describe('Over HTTP', () => {
  it.each(attacks.map((attack) => [attack.name, attack] as const))(
    '%s is refused',
    async (_name, attack) => {
      const [status, text] = await launch(attack);
      expect(refusalFault(attack, status, text)).toBe(null);
      expect(text).not.toContain('INTERNAL_SERVER_ERROR');
      expect(text.length).toBeLessThan(answerCharactersMax);
    },
    refusedWithinMs,
  );

  it('all attacks at once keep nobody from an answer', async () => {
    const honest = '{ journey(of: {type: "Account", id: "a"}, first: 5) { edges { cursor } } }';
    const [answers] = await Promise.all([
      Promise.all(Array.from({ length: 100 }, () => ask(server, honest))),
      ...attacks.map(launch),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(answers.map(({ text }) => JSON.parse(text).data)).toEqual(
      answers.map(() => ({ journey: { edges: [] } })),
    );
  });
});
