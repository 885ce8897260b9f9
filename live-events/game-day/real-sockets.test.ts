import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { WebSocketConstructor } from '../../device/index.ts';
import { systemClock } from '../../foundation/index.ts';
import { startTestGatewayAlone, testEvent } from '../gateway/gateway-testing.ts';
import { rehearseWithSockets } from './real-sockets.ts';
import { smallScenario } from './rehearsal-testing.ts';
import type { Scenario } from './scenario.ts';
import { seededRandom } from './seeded-random.ts';

/** Without deflate, as phones do without. */
const webSocket: WebSocketConstructor = class extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols, { perMessageDeflate: false });
  }
};

const scenario: Scenario = {
  ...smallScenario,
  durationMs: 60_000,
  arrivals: [{ atMs: 1, share: 1 }],
  faults: [
    { kind: 'connections-lost', atMs: 30_000, share: 1 },
    { kind: 'gateway-killed', atMs: 30_000, gateway: 0, downMs: 1 },
  ],
};

it('real devices arrive, show what is broadcast, lose their connections and come back', async () => {
  const { advance, tokens, url, close } = await startTestGatewayAlone();
  onTestFinished(close);
  const devices = 40;
  const prefetch = async () => {
    const nowMs = systemClock.now();
    const life = { ttlMs: 60_000, expiresAt: nowMs + 60_000, quiet: null, spreadMs: 0 };
    return { kind: 'new', prefetch: { version: 1, etag: null, stages: [], stageMap: {}, ...life } } as const;
  };
  const grant = async (member: string, device: string) => {
    const expiresAtMs = systemClock.now() + 60_000;
    return { url: `${url}?event=${testEvent}`, token: await tokens.sign({ event: testEvent, member, device, expiresAtMs }) }; // biome-ignore format: one row
  };
  let advanced = 0;
  const result = await rehearseWithSockets(
    scenario,
    { event: testEvent, members: ['Account:a', 'Account:b'], prefetch, grant, webSocket },
    {
      devices,
      speed: 10,
      clock: systemClock,
      random: seededRandom(1),
      signal: new AbortController().signal,
      progress: (online, elapsedMs) => {
        // Once before the connections break, once when all are back.
        const wanted = elapsedMs < 3_000 ? 1 : 2;
        if (online < devices || advanced >= wanted) return;
        advance();
        advanced += 1;
      },
    },
  );
  expect(advanced).toBe(2);
  expect(result).toMatchObject({ devices, onlineMax: devices, lost: devices });
  expect(result.stages).toHaveLength(2);
  for (const { devices: there, reached, t100Ms } of result.stages) {
    expect([there, reached]).toEqual([devices, devices]);
    expect(t100Ms).toBeLessThan(1_000);
  }
  expect(result.recoveryMs).toBeGreaterThan(0);
  expect(result.recoveryMs).toBeLessThan(3_000);
  expect(result.leftOut).toEqual([scenario.faults[1]]);
});
