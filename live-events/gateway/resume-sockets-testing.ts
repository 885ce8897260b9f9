import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import type { ServerMessage } from '../../device/index.ts';
import { seededRandom } from '../../foundation/index.ts';
import { connect, startTestGatewayAlone, testEvent } from './gateway-testing.ts';
import type { ResumeSummary } from './resume-testing.ts';
import { createResumeCounts, ResumingDevice } from './resuming-device-testing.ts';

const workers = 20;
const limits = { historyBroadcastsMax: 12, connectsPerSecond: 1_000_000, connectsBurst: 1_000_000 };

/**
 * Disconnects and resumes over real sockets, while stages change and the journal is trimmed. What happens in which order is the
 * network's; the seed gives what is done.
 *
 * @throws at the first message that must not have been sent.
 */
export async function runSocketResumes(
  seed: number,
  cycles: number,
  progress: (done: number) => void,
): Promise<ResumeSummary> {
  const random = seededRandom(seed);
  const below = (bound: number): number => Math.floor(random() * bound);
  const counts = createResumeCounts();
  const gateway = await startTestGatewayAlone({ limits });
  let [done, trims] = [0, 0];
  const happen = (): void => {
    const most = below(200) === 0 ? 60 : below(4) === 0 ? 4 : 1;
    for (let left = below(most); left > 0; left -= 1) gateway.advance();
    if (below(40) > 0) return;
    trims += 1;
    gateway.journal.trim(testEvent, 10 + below(80));
  };
  const work = async (worker: number): Promise<void> => {
    const device = new ResumingDevice(`device ${worker}`, counts);
    while (done < cycles) {
      done += 1;
      await resumeOnce(gateway, device, happen, below);
      progress(done);
    }
  };
  try {
    await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  } finally {
    await gateway.close();
  }
  return { ...counts, trims, gatewaysReplaced: 0, epochs: 1 };
}

async function resumeOnce(
  gateway: Parameters<typeof connect>[0],
  device: ResumingDevice,
  happen: () => void,
  below: (bound: number) => number,
): Promise<void> {
  const heard = Promise.withResolvers<void>();
  const hear = (message: ServerMessage): void => {
    try {
      device.hear(message);
      if (device.caughtUp) heard.resolve();
    } catch (error) {
      heard.reject(error);
    }
  };
  const socket = (await connect(gateway, { device: device.name, after: device.connect(), hear })).socket;
  socket.once('close', (code) =>
    heard.reject(new Error(`closed with ${code} before all that was missed came`)),
  );
  happen();
  await heard.promise;
  for (let turns = below(5); turns > 0; turns -= 1) {
    happen();
    await turn();
    if (below(3) === 0) device.acknowledge();
  }
  const closed = once(socket, 'close');
  socket.terminate();
  await closed;
}
