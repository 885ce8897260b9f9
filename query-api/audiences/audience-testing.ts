import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, silentLog, systemClock } from '../../foundation/index.ts';
import type { GraphReader, NodeRef } from '../../graph-store/index.ts';
import type { Audience } from './audience.ts';
import { AudienceStore, type AudienceStoreLimits } from './audience-store.ts';
import { Audiences } from './audiences.ts';
import type { Condition } from './condition.ts';

export const testLimits: AudienceStoreLimits = { countMax: 100, bytesMax: 2 ** 20 };

export interface TestAudiences extends AsyncDisposable {
  readonly audiences: Audiences;
  readonly folder: string;
  /** Freezes and waits. */
  frozen(reader: GraphReader, where: Condition, key?: string): Promise<Audience>;
  idsOf(id: string): Promise<readonly string[]>;
}

/** A real store of audiences in a folder of its own, which goes with it. */
export async function openTestAudiences(
  changes: {
    readonly limits?: Partial<AudienceStoreLimits>;
    readonly membersMax?: number;
    readonly clock?: Clock;
    readonly sources?: GraphReader['sources'];
    readonly secondThreadAfter?: number;
  } = {},
): Promise<TestAudiences> {
  const folder = await mkdtemp(join(tmpdir(), 'audiences-'));
  const store = await AudienceStore.open(folder, { ...testLimits, ...changes.limits });
  let ids = 0;
  const audiences = new Audiences({
    store,
    sources: changes.sources ?? (async () => []),
    clock: changes.clock ?? systemClock,
    log: silentLog,
    newId: () => `audience-${++ids}`,
    membersMax: changes.membersMax ?? 10_000,
    secondThreadAfter: changes.secondThreadAfter ?? Number.POSITIVE_INFINITY,
  });
  const idsOf = async (id: string): Promise<readonly string[]> => {
    const members: NodeRef[] = [];
    for await (const page of audiences.members(id)) members.push(...page);
    return members.map((one) => one.id);
  };
  return {
    audiences,
    folder,
    idsOf,
    frozen: async (reader, where, key = `key-${ids}`) => {
      const request = { name: 'n', key, definition: { memberType: 'Account', where }, askedBy: null };
      const begun = audiences.freeze(reader, request);
      if (begun.state === 'READY') return begun;
      const settled = await audiences.settled(begun.id, 30_000);
      if (settled === null) throw new Error('an audience that was begun is known');
      return settled;
    },
    [Symbol.asyncDispose]: async () => {
      await audiences.close();
      await rm(folder, { recursive: true });
    },
  };
}
