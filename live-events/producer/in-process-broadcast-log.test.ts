import { expect, it } from 'vitest';
import type { Broadcast } from '../../device/index.ts';
import { silentLog } from '../../foundation/index.ts';
import { InProcessBroadcastLog } from './in-process-broadcast-log.ts';
import { settle } from './virtual-clock.fake.ts';

function broadcast(sequence: number): Broadcast {
  return { type: 'broadcast', event: 'f', epoch: 1000, sequence, version: 1, stage: 'live', at: 5000 };
}

it('Handlers in one process are told of one broadcast after the other, and publishing waits for them', async () => {
  const log = new InProcessBroadcastLog(silentLog);
  const said: string[] = [];
  const releases: (() => void)[] = [];
  await log.subscribe(async ({ sequence }) => {
    said.push(`slow ${sequence}`);
    await new Promise<void>((resolve) => releases.push(resolve));
  });
  const stop = await log.subscribe(async ({ sequence }) => void said.push(`quick ${sequence}`));
  const published: number[] = [];
  const publishing = [1, 2].map((sequence) =>
    log.publish(broadcast(sequence)).then(() => published.push(sequence)),
  );
  await settle();
  expect({ said, published }).toEqual({ said: ['slow 1'], published: [] });
  releases.shift()?.();
  await settle();
  expect({ said, published }).toEqual({ said: ['slow 1', 'quick 1', 'slow 2'], published: [1] });
  await stop();
  releases.shift()?.();
  await Promise.all(publishing);
  expect(said).toEqual(['slow 1', 'quick 1', 'slow 2']);
});

it('A handler that fails in one process is logged, and neither the others nor what follows wait for it', async () => {
  const logged: object[] = [];
  const log = new InProcessBroadcastLog({ ...silentLog, error: (fields) => void logged.push(fields) });
  const got: number[] = [];
  await log.subscribe(async ({ sequence }) => {
    if (sequence === 1) throw new Error('a fault of the router');
  });
  await log.subscribe(async ({ sequence }) => void got.push(sequence));
  await log.publish(broadcast(1));
  await log.publish(broadcast(2));
  expect(got).toEqual([1, 2]);
  expect(logged).toMatchObject([{ event: 'f', sequence: 1 }]);
  await log.close();
});
