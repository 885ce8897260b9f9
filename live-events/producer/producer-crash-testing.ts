import { writeSync } from 'node:fs';
import { silentLog, systemClock } from '../../foundation/index.ts';
import type { BroadcastLog } from '../ports.ts';
import { LevelLiveJournal } from '../state/level-live-journal.ts';
import { LiveService, liveServiceLimitsDefault } from '../state/live-service.ts';
import { asking } from '../state/live-testing.ts';
import { LiveProducer, liveProducerLimitsDefault } from './live-producer.ts';

/**
 * The victim of `producer-crash.test.ts`: a producer whose log is a pipe. In its first run it makes events whose stages come within the next two seconds; it ends by itself when all
 * of them have ended and are published.
 */
const [folder = '', first = ''] = process.argv.slice(2);
const journal = await LevelLiveJournal.open(folder, systemClock.now(), { entriesMax: 100, removalsMax: 100 });
const live = new LiveService({
  journal,
  clock: systemClock,
  log: silentLog,
  limits: liveServiceLimitsDefault,
});
const pipe: BroadcastLog = {
  // Written at once: what the other side reads is what was published.
  publish: async (broadcast) => void writeSync(1, `${JSON.stringify(broadcast)}\n`),
  subscribe: async () => async () => undefined,
  close: async () => undefined,
};
const producer = new LiveProducer({
  live,
  broadcasts: pipe,
  clock: systemClock,
  random: Math.random,
  log: silentLog,
  limits: liveProducerLimitsDefault,
});
producer.start();

if (first === 'first') {
  const nowMs = systemClock.now();
  for (let number = 0; number < 30; number += 1) {
    const startsAtMs = (place: number): number => nowMs + number * 17 + place * 350;
    const stages = [
      { key: 'lobby', kind: 'lobby', startsAtMs: startsAtMs(1) },
      { key: 'live', kind: 'live', startsAtMs: startsAtMs(2) },
      { key: 'half-time', kind: 'custom', startsAtMs: startsAtMs(3) },
      { key: 'ended', kind: 'ended', startsAtMs: startsAtMs(4) },
    ] as const;
    const command = { kind: 'create', title: 'x', stages, audience: null, plan: null } as const;
    await live.run(`event-${number}`, command, asking);
  }
}

while (live.list().some(({ stageKind }) => stageKind !== 'ended') || producer.status.unpublishedCount > 0)
  await systemClock.sleep(5);
await producer.stop();
await live.close();
