import { BadDataError, must } from '../../foundation/index.ts';
import type { GraphStore } from '../../graph-store/index.ts';
import { connectErrorHeaders } from '../dead-letter-headers.ts';
import type { LogRecord } from '../embedded-log-format.ts';
import type { Outcome, RecordProcessor } from '../record-processor.ts';
import { LetterDesk } from './letter-desk.ts';
import type { LetterLog } from './letter-log.ts';
import type { RetryEvent } from './letter-reports.ts';
import type { RetryLimits } from './letter-retry.ts';
import { LetterValues } from './letter-value.ts';
import type { RetryPlan, RetryPlans } from './retry-plan.ts';

/** What the tests of letters share: letters whose value is the id of an event, and a processor that is told which of them fail. */

export function letterOf(id: number, key: string | null, reason = 'AVRO_TRUNCATED'): LogRecord {
  const record = {
    offset: BigInt(1_000 + id),
    timestampMs: 1_700_000_000_000 + id,
    key: key === null ? null : Buffer.from(key),
    value: Buffer.from(String(id)),
    headers: null,
  };
  const source = { cluster: 'c', topic: 'plays', topicId: 'i', partition: 0 };
  const letter = {
    source,
    record,
    error: new BadDataError(reason, 'x', { context: { schemaId: 7 } }),
    stage: 'decode',
  };
  const added = connectErrorHeaders(letter, { connectorName: 'n', taskId: '0' });
  return { ...record, headers: added.map(([name, text]) => ({ key: name, value: Buffer.from(text) })) };
}

/** Each event is a step of its key's own; those in `bad` fail. */
export function processorWith(bad: Set<number>): RecordProcessor & { readonly asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    process({ value, offset }): Outcome {
      const id = Number(String(value));
      asked.push(id);
      if (bad.has(id)) return { kind: 'dead', stage: 'decode', error: new BadDataError('STILL_BAD', 'x') };
      if (id >= 900) return { kind: 'filtered' };
      const owner = { type: 'Account', id: `a${id}` };
      const mutations = [
        { kind: 'step' as const, owner, domain: 'd', action: 'a', links: [], properties: [] },
      ];
      const lineage = { offset, origin: { schemaId: 7, subject: 'plays-value', version: 1 } };
      return {
        kind: 'mapped',
        event: { timeMs: 1_000 + id, rank: 0, occurrence: BigInt(id), mutations, lineage },
      };
    },
    async load() {
      throw new Error('nothing to load');
    },
  };
}

/** Plans that outlive whoever uses them. */
export function memoryPlans(): RetryPlans & { readonly plans: Map<string, RetryPlan> } {
  const plans = new Map<string, RetryPlan>();
  const nameOf = ({ topicId, partition }: { topicId: string; partition: number }): string =>
    `${topicId}/${partition}`;
  return {
    plans,
    load: async (name) => plans.get(nameOf(name)) ?? null,
    save: async (name, plan) => {
      plans.set(nameOf(name), plan);
    },
  };
}

export const retryLimits: RetryLimits = { batchEventsMax: 3, batchBytesMax: 1e6, leftMax: 1_000 };

export function deskOver(
  letters: LetterLog,
  store: Pick<GraphStore, 'claim' | 'apply' | 'sources'>,
  plans: RetryPlans,
  processor: RecordProcessor,
  limits: Partial<RetryLimits> = {},
): LetterDesk {
  const registry = {
    schemaById: () => Promise.reject(new BadDataError('SCHEMA_NOT_FOUND', 'x')),
    latest: () => Promise.reject(new Error('not asked')),
    versions: () => Promise.reject(new Error('not asked')),
    register: () => Promise.reject(new Error('not asked')),
    close: async () => undefined,
  };
  return new LetterDesk(
    {
      ...{ letters, store, plans, processor },
      sources: () => store.sources(),
      values: new LetterValues(registry, { bytesMax: 1e6, valuesMax: 1e4, depthMax: 64 }),
      topics: ['plays'],
      clock: { now: () => 1_800_000_000_000, sleep: () => Promise.resolve() },
    },
    { ...retryLimits, ...limits },
  );
}

/** Runs a retry to its end: what its trial said and what was applied. */
export async function retried(desk: LetterDesk, over: { dryRun?: boolean; limit?: number } = {}) {
  const events: RetryEvent[] = [];
  const request = { topic: null, limit: 1_000, dryRun: false, ...over };
  for await (const event of desk.retry(request, new AbortController().signal)) events.push(event);
  const trial = events.flatMap((event) => (event.kind === 'trial' ? event.topics : []))[0];
  const applied = events.flatMap((event) => (event.kind === 'applied' ? event.topics : []))[0];
  return { trial: must(trial, 'each retry begins with a trial'), applied: applied ?? null };
}
