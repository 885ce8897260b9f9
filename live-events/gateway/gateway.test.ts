import { afterEach, describe, expect, it } from 'vitest';
import {
  connect,
  type RouterBench,
  startTestGatewayAlone,
  type TestGateway,
  testEvent,
} from './gateway-testing.ts';

describe('a gateway', () => {
  const started: TestGateway[] = [];
  const start = async (
    options: Parameters<typeof startTestGatewayAlone>[0] = {},
  ): Promise<TestGateway & RouterBench> => {
    const gateway = await startTestGatewayAlone(options);
    started.push(gateway);
    return gateway;
  };
  afterEach(async () => {
    for (const gateway of started.splice(0)) await gateway.close();
  });

  it('tells a new device the state, then each broadcast, and counts what it applied', async () => {
    const gateway = await start({ limits: { reportMs: 10, tickMs: 10 } });
    const device = await connect(gateway);
    expect(device.received[0]).toMatchObject({
      type: 'resync',
      reason: 'NEW',
      event: testEvent,
      sequence: 1,
      stage: 's1',
    });
    const broadcast = gateway.advance();
    expect((await device.messages(2))[1]).toEqual(broadcast);
    device.applied(broadcast);
    await expect
      .poll(() => gateway.reports.flatMap(({ applied }) => applied))
      .toEqual([{ member: 'Account:a1', device: 'tv-1', delayMs: 5 }]);
  });
});
