import { expect } from 'vitest';
import { send } from '../api-testing.ts';
import type { ApiServer } from '../server.ts';
import type { Cost } from './field-cost.ts';

export interface ToldCost extends Cost {
  readonly used: Cost;
}

/** What a query without errors is answered. */
interface Answer<Data> {
  readonly data: Data;
  readonly errors?: readonly unknown[];
  readonly extensions: { readonly cost: ToldCost };
}

/** The data that a query without errors is answered with, what it was said to cost, and did. `Data` is what the caller asks for. */
export async function toldCost<Data = unknown>(
  server: ApiServer,
  query: string,
  variables: object = {},
): Promise<{ readonly data: Data; readonly cost: ToldCost }> {
  const body = JSON.stringify({ query, variables });
  const { text } = await send(server, body, { 'x-query-cost': 'true' });
  const { data, errors, extensions }: Answer<Data> = JSON.parse(text);
  expect(errors).toBeUndefined();
  return { data, cost: extensions.cost };
}

export function expectWithinPlan({ used, calls, rows }: ToldCost): void {
  expect(used.calls).toBeLessThanOrEqual(calls);
  expect(used.rows).toBeLessThanOrEqual(rows);
}
