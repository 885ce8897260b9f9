import { join } from 'node:path';
import { must, silentLog, systemClock } from '../../foundation/index.ts';
import {
  type AudienceMembers,
  CoverageStore,
  CoverageTracker,
  coverageLimitsDefault,
  type DeliveryReport,
  type LiveEvent,
} from '../../live-events/index.ts';

const reportDeliveries = 1000;
/** Members come in no order. A prime that no count of members used here is a multiple of. */
const stride = 7919;

/** CPU of adding up one delivery that was reported, all of an audience being sent a broadcast and applying it; numbers come from memory. */
export async function measureCoverage(folder: string, members: number): Promise<number> {
  const audience = memoryAudience(members);
  const tracker = CoverageTracker.start({
    store: await CoverageStore.open(join(folder, 'coverage')),
    sources: { audience: async () => audience, prefetched: async () => null },
    clock: systemClock,
    log: silentLog,
    limits: coverageLimitsDefault,
  });
  tracker.begin(event);
  let cpuMicros = 0;
  for (const what of ['sent', 'applied'] as const) {
    for (let from = 0; from < members; from += reportDeliveries) {
      const report = reportOf(what, from, members);
      const before = process.cpuUsage();
      tracker.report(report);
      await tracker.settled();
      const used = process.cpuUsage(before);
      cpuMicros += used.user + used.system;
    }
  }
  const counted = must(await tracker.coverage(event.id, null), 'it was begun').applied;
  await tracker.close();
  if (counted !== members) throw new Error(`coverage counted ${counted} of ${members} members`);
  return cpuMicros / members / 2;
}

const event: LiveEvent = {
  id: 'fight-1',
  title: 'The fight',
  audience: 'everybody',
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
    member: `Account:a${((from + i) * stride) % members}`,
    device: 'tv',
    delayMs: i,
  }));
  const nothing = { sent: [], applied: [], dropped: [] };
  return { gateway: 'gateway-1', event: event.id, epoch: 1, sequence: 1, ...nothing, [what]: deliveries };
}

function memoryAudience(count: number): AudienceMembers {
  return {
    id: 'everybody',
    memberType: 'Account',
    count,
    numbersOf: async (ids) => ids.map((id) => Number(id.slice(1))),
    idsOf: async (numbers) => numbers.map((number) => `a${number}`),
    async *pages() {
      yield [];
    },
  };
}
