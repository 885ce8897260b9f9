import { JourneyGraphError, systemClock } from '../foundation/index.ts';
import { crashAdvance, crashBatch, crashSource } from './crash-testing-batches.ts';
import { openLevelStore } from './leveldb-store.ts';

/**
 * The victim of `leveldb-crash.test.ts`: applies numbered batches, several in flight, from wherever the store stands up to
 * `count`, and prints a line for each acknowledgement. An outage makes it claim again and go on, as a pipeline would.
 */
const [folder = '', count = '0'] = process.argv.slice(2);
const inFlightMax = 4;
const outagesMax = 5;

const store = await openLevelStore({ folder, writeBufferBytes: 2 ** 20, windowBytesMax: 1 }, systemClock);
let outages = 0;
for (let done = false; !done; ) {
  try {
    const { epoch, next } = await store.claim(crashSource);
    const inFlight: Promise<void>[] = [];
    for (let number = Number(next ?? 0n); number < Number(count); number += 1) {
      const acknowledged = store.apply(crashAdvance(epoch, number), crashBatch(number));
      inFlight.push(acknowledged.then(() => void process.stdout.write(`acknowledged ${number}\n`)));
      if (inFlight.length >= inFlightMax) {
        // All settle before the first failure is thrown, so that none is left without a handler.
        for (const settled of await Promise.allSettled(inFlight.splice(0))) {
          if (settled.status === 'rejected') throw settled.reason;
        }
      }
    }
    await Promise.all(inFlight);
    done = true;
  } catch (error) {
    if (!(error instanceof JourneyGraphError) || !error.retryable) throw error;
    process.stdout.write(`outage ${error.code}\n`);
    outages += 1;
    done = outages === outagesMax;
  }
}
await store.close();
process.stdout.write(outages === outagesMax ? 'gave up\n' : 'done\n');
