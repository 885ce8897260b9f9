import { expect, it, onTestFinished } from 'vitest';
import type { ConnectionState } from './device-connection.ts';
import type { LiveDevice } from './live-device.ts';
import { startDevice } from './live-device-testing.ts';
import { LiveServerFake } from './live-server.fake.ts';

const hourMs = 3_600_000;

async function serve(): Promise<LiveServerFake> {
  const server = await LiveServerFake.start();
  onTestFinished(() => server.close());
  return server;
}

it('An application that resumes as soon as it is told of the suspension is connected again', async () => {
  const server = await serve();
  const states: ConnectionState[] = [];
  const { device, sees } = startDevice(server, {
    onState: ({ connection }) => {
      if (connection !== states.at(-1)) states.push(connection);
      if (connection === 'suspended') device.resume();
    },
  });
  await sees('announced');
  device.suspend();
  await expect.poll(() => server.connects.length).toBe(2);
  server.publish({ stage: 'lobby' });
  await sees('lobby');
  expect(states).toEqual(['connecting', 'online', 'suspended', 'connecting', 'online']);
});

it.each<readonly [ConnectionState, number, (server: LiveServerFake, device: LiveDevice) => void]>([
  ['connecting', 1, (server) => server.hangUp(4401)],
  ['offline', hourMs, (server) => server.cut()],
  ['suspended', hourMs, (_server, device) => device.suspend()],
])(
  'An application that closes its device as soon as it is told that it is %s waits for nothing',
  async (when, backoffMs, cause) => {
    const server = await serve();
    let grants = 0;
    let isCaused = false;
    const closing: Promise<void>[] = [];
    const { device, sees } = startDevice(server, {
      limits: { socketBackoff: { baseMs: backoffMs, capMs: backoffMs }, greetingMs: hourMs },
      // A second one is never given.
      connection: () => {
        grants += 1;
        return grants === 1 ? Promise.resolve(server.grant()) : new Promise(() => undefined);
      },
      onState: ({ connection }) => {
        if (isCaused && connection === when && closing.length === 0) closing.push(device.close());
      },
    });
    await sees('announced');
    isCaused = true;
    cause(server, device);
    await expect.poll(() => closing.length).toBe(1);
    await closing[0];
    expect(device.status.connection).toBe('stopped');
    expect(grants).toBe(1);
  },
);
