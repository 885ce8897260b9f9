import { must } from '../../foundation/index.ts';
import { connect, startTestGatewayAlone, type TestDevice } from './gateway-testing.ts';

export interface StallSummary {
  readonly readers: number;
  readonly stalled: number;
  /** Broadcasts until each stalled reader was closed. */
  readonly broadcasts: number;
  readonly closedAsTooSlow: number;
  /** From a broadcast until the last of those who read had it, milliseconds: with all reading, and with the stalled ones. */
  readonly allReading: Spread;
  readonly withStalled: Spread;
}

interface Spread {
  readonly p50: number;
  readonly p99: number;
}

/**
 * A quarter of the readers stops reading. The others get every broadcast, in order, in the time that they had before, and the stalled
 * ones are closed when what waits for them is too much.
 *
 * @throws when a reader misses a broadcast.
 */
export async function runStalls(
  readers: number,
  socketBufferBytesMax: number,
  progress: (done: number) => void,
): Promise<StallSummary> {
  const gateway = await startTestGatewayAlone({
    limits: { socketBufferBytesMax, connectsBurst: 100_000, closeMs: 120_000, messagesBurst: 100_000 },
  });
  try {
    const devices = await Promise.all(
      Array.from({ length: readers }, (_, index) => connect(gateway, { device: `tv-${index}` })),
    );
    const stalled = devices.slice(0, readers / 4);
    const others = devices.slice(readers / 4);
    let sent = 0;
    const round = async (): Promise<number> => {
      const startedMs = performance.now();
      const { sequence } = gateway.advance();
      sent += 1;
      await Promise.all(others.map((device) => hasNext(device, sent, sequence)));
      return performance.now() - startedMs;
    };
    const before: number[] = [];
    for (let rounds = 0; rounds < 300; rounds += 1) before.push(await round());
    for (const { socket } of stalled) socket.pause();
    const after: number[] = [];
    const { closed } = gateway.gateway.metrics;
    while ((closed[4408] ?? 0) < stalled.length) {
      after.push(await round());
      progress(after.length);
    }
    const closedAsTooSlow = must(closed[4408], 'they were closed');
    for (const device of others)
      if (device.socket.readyState !== device.socket.OPEN) throw new Error('a reader was closed');
    const [allReading, withStalled] = [spread(before), spread(after)];
    return {
      readers,
      stalled: stalled.length,
      broadcasts: after.length,
      closedAsTooSlow,
      allReading,
      withStalled,
    };
  } finally {
    await gateway.close();
  }
}

async function hasNext(device: TestDevice, sent: number, sequence: number): Promise<void> {
  const received = await device.messages(1 + sent);
  if (received[sent]?.sequence !== sequence)
    throw new Error(`a reader was sent ${received[sent]?.sequence} for ${sequence}`);
}

function spread(durationsMs: readonly number[]): Spread {
  const sorted = durationsMs.toSorted((one, other) => one - other);
  const at = (part: number): number =>
    Number((sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(1));
  return { p50: at(0.5), p99: at(0.99) };
}
