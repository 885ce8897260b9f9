import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import { createMemoryStore, type GraphReader } from '../../graph-store/index.ts';
import { queryLimitsDefault } from '../api-context.ts';
import { ask, createWriter, startTestApi, stepAt } from '../api-testing.ts';
import type { ApiServer } from '../server.ts';
import { toldCost } from './told-cost-testing.ts';

const of = 'of: {type: "Account", id: "a"}';
const journey = (first: number): string => `journey(${of}, first: ${first}) { edges { cursor } }`;
const limits = { scanRowsMax: 1000, budget: { calls: 3, rows: 2500 } };

/** Counts what comes through to the store. */
function counted(reader: GraphReader): { readonly reader: GraphReader; calls: () => number } {
  let calls = 0;
  const spy = new Proxy(reader, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...input: unknown[]) => {
        calls += 1;
        return Reflect.apply(value, target, input);
      };
    },
  });
  return { reader: spy, calls: () => calls };
}

const store = createMemoryStore(systemClock);
const spied = counted(store);
let server: ApiServer;
beforeAll(async () => {
  const write = await createWriter(store);
  const nowMs = Date.now();
  await write(Array.from({ length: 40 }, (_, i) => stepAt(nowMs - i * 1000, BigInt(i + 1))));
  server = await startTestApi({ reader: spied.reader, limits });
});
afterAll(() => server.close());

async function refusalOf(query: string): Promise<Readonly<Record<string, unknown>>> {
  const before = spied.calls();
  const { status, text } = await ask(server, query);
  expect(spied.calls()).toBe(before);
  expect(status).toBe(400);
  const { errors } = JSON.parse(text);
  expect(errors).toHaveLength(1);
  return { message: errors[0].message, ...errors[0].extensions };
}

describe('A query above its budget', () => {
  it('is refused before the store is asked, with its cost, the budget and a change that passes', async () => {
    const refusal = await refusalOf(`{ a: ${journey(150)} b: ${journey(150)} c: ${journey(200)} }`);
    expect(refusal).toMatchObject({
      code: 'QUERY_TOO_EXPENSIVE',
      cost: { calls: 3, rows: 3000 },
      budget: { calls: 3, rows: 2500 },
      change: { kind: 'argument', path: 'a', argument: 'first', from: 150, to: 62 },
      costWithChange: { calls: 3, rows: 2496 },
    });
    expect(refusal.message).toContain('it would pass with `first: 62` instead of 150 on `a`');
    expect(refusal.requestId).toMatch(/^request-/);
  });

  it('is refused for its calls as well as for its rows', async () => {
    const node = 'node(type: "Account", id: "a") { id }';
    const { code, cost } = await refusalOf(`{ a: ${node} b: ${node} c: ${node} d: ${node} }`);
    expect([code, cost]).toEqual(['QUERY_TOO_EXPENSIVE', { calls: 4, rows: 4 }]);
  });

  it('is told what would pass once it is known what journeys take', async () => {
    const fresh = await startTestApi({
      reader: store,
      limits: { ...limits, budget: { calls: 2, rows: 100 }, scanRowsMax: 100 },
    });
    try {
      for (let i = 0; i < 40; i += 1) expect((await ask(fresh, `{ ${journey(20)} }`)).status).toBe(200);
      const query = `{ ${journey(500)} node(type: "Account", id: "a") { id } }`;
      const { errors } = JSON.parse((await ask(fresh, query)).text);
      expect(errors[0].message).toContain('it would pass with `first: 99` instead of 500 on `journey`');
      const second = await ask(fresh, query.replace('500', '99'));
      expect(JSON.parse(second.text).data.journey.edges).toHaveLength(40);
    } finally {
      await fresh.close();
    }
  });

  it('says nothing of the change where no single one is enough', async () => {
    const four = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}: ${journey(500)}`).join(' ');
    const refusal = await refusalOf(`{ ${four} }`);
    expect(refusal.message).toContain('ask in several queries');
    expect(refusal).not.toHaveProperty('change');
  });
});

describe('The cost of a query', () => {
  it('stands in the answer when its header asks for it, beside what was really used', async () => {
    const { data, cost } = await toldCost<{ readonly journey: { readonly edges: readonly unknown[] } }>(
      server,
      `{ ${journey(5)} }`,
    );
    expect(data.journey.edges).toHaveLength(5);
    expect(cost).toEqual({
      calls: 1,
      rows: 40,
      budget: limits.budget,
      used: { calls: 1, rows: 5 },
    });
  });

  it('does not stand there otherwise', async () => {
    expect(JSON.parse((await ask(server, `{ ${journey(5)} }`)).text)).not.toHaveProperty('extensions');
  });

  it('of everything that was allowed before there were budgets is within the default one', () => {
    const { readsMax, scanRowsMax, budget } = queryLimitsDefault;
    expect(budget.calls).toBeGreaterThanOrEqual(readsMax);
    expect(budget.rows).toBeGreaterThanOrEqual(readsMax * scanRowsMax);
  });
});
