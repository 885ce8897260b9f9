import { systemClock } from '../../foundation/index.ts';
import {
  createMemoryStore,
  type EventMutations,
  type GraphStore,
  type Mutation,
} from '../../graph-store/index.ts';
import { createWriter } from '../api-testing.ts';
import type { Caller } from '../auth/caller.ts';
import { claimValues } from '../auth/token-verifier.ts';
import type { Policy } from './policy.ts';
import { readPolicy } from './policy-reader.ts';

/** A policy that must be right. */
export function policyFrom(text: string): Policy {
  const { policy, problems } = readPolicy('policy.yaml', text);
  if (policy === null) throw new Error(problems.join('\n'));
  return policy;
}

/** A caller as a JWT of these claims would make one. */
export function callerWith(
  scopes: readonly string[],
  claims: Readonly<Record<string, unknown>> = {},
): Caller {
  return {
    kind: 'token',
    subject: 'service-a',
    scopes: new Set(scopes),
    claims: new Map(Object.entries(claims).map(([name, value]) => [name, claimValues(value)])),
    expiresAtMs: null,
    costBudget: null,
  };
}

/** One event for each time; what wrote it last is told by its offset, whatever else is there. */
export function eventAt(timeMs: number, occurrence: number, mutations: readonly Mutation[]): EventMutations {
  const origin = { schemaId: 1, subject: 'test-value', version: 1 };
  const lineage = { offset: BigInt(occurrence), origin };
  return { timeMs, rank: 0, occurrence: BigInt(occurrence), mutations, lineage };
}

export async function storeWith(events: readonly EventMutations[]): Promise<GraphStore> {
  const store = createMemoryStore(systemClock);
  const write = await createWriter(store);
  if (events.length > 0) await write(events);
  return store;
}
