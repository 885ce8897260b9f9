import { join } from 'node:path';
import { RoaringBitmap32 } from 'roaring-wasm';
import { must, silentLog, systemClock } from '../../foundation/index.ts';
import {
  type AudienceMembers,
  CoverageStore,
  CoverageTracker,
  coverageLimitsDefault,
  type DeliveryReport,
  type LiveEvent,
} from '../../live-events/index.ts';
import { AudienceStore } from '../../query-api/index.ts';

const reportDeliveries = 1000;
/** Members come in no order. A prime that no count of members used here is a multiple of. */
const stride = 7919;
const audienceId = 'everybody';
const memberType = 'Account';

export interface CoverageCost {
  /** Of a member that was not heard of lately: its number is looked up in the audience's database. */
  readonly cpuMicrosPerFirst: number;
  /** Of one whose number is in memory. */
  readonly cpuMicrosPerDelivery: number;
}

/** CPU of adding up one delivery that was reported: all of an audience are sent a broadcast, then apply it. `members`: no more than numbers are kept. */
export async function measureCoverage(folder: string, members: number): Promise<CoverageCost> {
  const store = await AudienceStore.open(join(folder, 'audiences'), { countMax: 1, bytesMax: 2 ** 30 });
  const audience = await frozen(store, members);
  const tracker = CoverageTracker.start({
    store: await CoverageStore.open(join(folder, 'coverage')),
    sources: { audience: async () => audience, prefetched: async () => null },
    clock: systemClock,
    log: silentLog,
    limits: coverageLimitsDefault,
  });
  tracker.begin(event);
  await tracker.settled();
  const cpuMicrosPerFirst = await countAll(tracker, 'sent', members);
  const cpuMicrosPerDelivery = await countAll(tracker, 'applied', members);
  const counted = must(await tracker.coverage(event.id, null), 'it was begun').applied;
  await tracker.close();
  await store.close();
  if (counted !== members) throw new Error(`coverage counted ${counted} of ${members} members`);
  return { cpuMicrosPerFirst, cpuMicrosPerDelivery };
}

async function countAll(
  tracker: CoverageTracker,
  what: 'sent' | 'applied',
  members: number,
): Promise<number> {
  let cpuMicros = 0;
  for (let from = 0; from < members; from += reportDeliveries) {
    const report = reportOf(what, from, members);
    const before = process.cpuUsage();
    tracker.report(report);
    await tracker.settled();
    const used = process.cpuUsage(before);
    cpuMicros += used.user + used.system;
  }
  return cpuMicros / members;
}

const event: LiveEvent = {
  id: 'fight-1',
  title: 'The fight',
  audience: audienceId,
  stages: [],
  stage: 'live',
  stageKind: 'live',
  at: 0,
  version: 1,
  epoch: 1,
  sequence: 1,
  createdMs: 0,
  plan: null,
};

function reportOf(what: 'sent' | 'applied', from: number, members: number): DeliveryReport {
  const deliveries = Array.from({ length: reportDeliveries }, (_one, i) => ({
    member: `${memberType}:a${((from + i) * stride) % members}`,
    device: 'tv',
    delayMs: i,
  }));
  const nothing = { sent: [], applied: [], dropped: [] };
  return { gateway: 'gateway-1', event: event.id, epoch: 1, sequence: 1, ...nothing, [what]: deliveries };
}

async function frozen(store: AudienceStore, members: number): Promise<AudienceMembers> {
  const ids = Array.from({ length: members }, (_one, i) => `a${i}`);
  const bitmap = new RoaringBitmap32(await store.numbersOf(memberType, ids, members));
  await store.put(
    {
      id: audienceId,
      name: audienceId,
      key: audienceId,
      memberType,
      definition: '{}',
      askedBy: null,
      frozenAtMs: 0,
      tookMs: 0,
      cutShort: 0,
      sources: [],
      sourcesAfter: [],
    },
    bitmap,
  );
  return {
    id: audienceId,
    memberType,
    count: members,
    numbersOf: (some) => store.positionsOf(audienceId, memberType, some),
    idsOf: async (numbers) => (await store.membersAt(audienceId, numbers)).map(({ id }) => id),
    async *pages() {
      yield ids;
    },
  };
}
