import { silentLog } from '../../foundation/index.ts';
import { type FakeDisk, FakeLiveJournal } from '../state/live-journal.fake.ts';
import { LiveService, liveServiceLimitsDefault } from '../state/live-service.ts';
import { FakeBroadcastLog } from './broadcast-log.fake.ts';
import { LiveProducer, type LiveProducerLimits, liveProducerLimitsDefault } from './live-producer.ts';
import type { VirtualClock } from './virtual-clock.fake.ts';

/** One life of a process that owns the journal. */
export interface Life {
  readonly journal: FakeLiveJournal;
  readonly service: LiveService;
  readonly producer: LiveProducer;
  readonly broadcasts: FakeBroadcastLog;
}

export function startLife(
  disk: FakeDisk,
  clock: VirtualClock,
  random: () => number,
  limits: Partial<LiveProducerLimits> = {},
): Life {
  const journal = new FakeLiveJournal(disk);
  const service = new LiveService({ journal, clock, log: silentLog, limits: liveServiceLimitsDefault });
  const broadcasts = new FakeBroadcastLog();
  const producer = new LiveProducer({
    live: service,
    broadcasts,
    clock,
    random,
    log: silentLog,
    limits: { ...liveProducerLimitsDefault, ...limits },
  });
  producer.start();
  return { journal, service, producer, broadcasts };
}

/** As by kill -9: nothing that it still does reaches anybody. */
export function kill({ journal, broadcasts }: Life): void {
  journal.isBroken = true;
  broadcasts.mode = 'away';
}
