import { JourneyGraphError, systemClock } from '../foundation/index.ts';
import { crashAdvance, crashBatch, crashSourceOf } from './crash-testing-batches.ts';
import { openLevelStore } from './leveldb-store.ts';

/**
 * The victim of `leveldb-crash.test.ts` and of the long runs: applies numbered batches to each of its partitions, several in flight, from wherever
 * the store stands up to `count`, and prints a line for each acknowledgement. An outage makes it claim again and go on, as a pipeline would.
 */
const [
  folder = '',
  count = '0',
  windowBytesMax = '1',
  writeBufferBytes = '',
  inFlight = '4',
  partitions = '1',
] = process.argv.slice(2);
const outagesMax = 5;

const store = await openLevelStore(
  {
    folder,
    windowBytesMax: Number(windowBytesMax),
    writeBufferBytes: writeBufferBytes === '' ? 2 ** 20 : Number(writeBufferBytes),
    // So that it is killed while one begins as well.
    stretchBytes: 64 * 1024,
  },
  systemClock,
);

/** True when it gave up. */
async function applyAll(partition: number): Promise<boolean> {
  for (let outages = 0; outages < outagesMax; outages += 1) {
    try {
      await applyFromPosition(partition);
      return false;
    } catch (error) {
      if (!(error instanceof JourneyGraphError) || !error.retryable) throw error;
      process.stdout.write(`outage ${error.code}\n`);
    }
  }
  return true;
}

async function applyFromPosition(partition: number): Promise<void> {
  const { epoch, next } = await store.claim(crashSourceOf(partition));
  const sent: Promise<void>[] = [];
  for (let number = Number(next ?? 0n); number < Number(count); number += 1) {
    const acknowledged = store.apply(crashAdvance(epoch, number, partition), crashBatch(number, partition));
    sent.push(acknowledged.then(() => void process.stdout.write(`acknowledged ${partition} ${number}\n`)));
    if (sent.length >= Number(inFlight)) {
      // All settle before the first failure is thrown, so that none is left without a handler.
      for (const settled of await Promise.allSettled(sent.splice(0))) {
        if (settled.status === 'rejected') throw settled.reason;
      }
    }
  }
  await Promise.all(sent);
}

const gaveUp = await Promise.all(Array.from({ length: Number(partitions) }, (_, i) => applyAll(i)));
await store.close();
process.stdout.write(gaveUp.includes(true) ? 'gave up\n' : 'done\n');
