import { expect } from 'vitest';
import { send } from '../api-testing.ts';
import type { ApiServer } from '../server.ts';
import type { Cost } from './field-cost.ts';

export interface ToldCost extends Cost {
  readonly used: Cost;
}

/** The answer to a query without errors, with what it was said to cost, and did. */
export async function toldCost(
  server: ApiServer,
  query: string,
  variables: object = {},
  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever was asked for
): Promise<{ readonly answer: any; readonly cost: ToldCost }> {
  const body = JSON.stringify({ query, variables });
  const { text } = await send(server, body, { 'x-query-cost': 'true' });
  const answer = JSON.parse(text);
  expect(answer.errors).toBeUndefined();
  return { answer, cost: answer.extensions.cost };
}

export function expectWithinPlan({ used, calls, rows }: ToldCost): void {
  expect(used.calls).toBeLessThanOrEqual(calls);
  expect(used.rows).toBeLessThanOrEqual(rows);
}
