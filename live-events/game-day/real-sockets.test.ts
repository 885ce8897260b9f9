import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { WebSocketConstructor } from '../../device/index.ts';
import { seededRandom, systemClock } from '../../foundation/index.ts';
import { startTestGatewayAlone, testEvent } from '../gateway/gateway-testing.ts';
import { type RealResult, rehearseWithSockets } from './real-sockets.ts';
import { smallScenario } from './rehearsal-testing.ts';
import type { Fault, Scenario } from './scenario.ts';

/** Without deflate, as phones do without. */
const webSocket: WebSocketConstructor = class extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols, { perMessageDeflate: false });
  }
};

const devices = 40;
const arrivals = [{ atMs: 1, share: 1 }];

/** Devices at a gateway of this process, the scenario ten times as fast. `progress` is told each second, with a way to enter the next stage. */
async function play(
  scenario: Partial<Scenario>,
  progress: (online: number, elapsedMs: number, advance: () => void) => void,
): Promise<RealResult> {
  const { advance, tokens, url, close } = await startTestGatewayAlone();
  onTestFinished(close);
  const prefetch = async () => {
    const nowMs = systemClock.now();
    const life = { ttlMs: 60_000, expiresAt: nowMs + 60_000, quiet: null, spreadMs: 0 };
    return { kind: 'new', prefetch: { version: 1, etag: null, stages: [], stageMap: {}, ...life } } as const;
  };
  const grant = async (member: string, device: string) => {
    const claims = { event: testEvent, member, device, expiresAtMs: systemClock.now() + 60_000 };
    return { url: `${url}?event=${testEvent}`, token: await tokens.sign(claims) };
  };
  return await rehearseWithSockets(
    { ...smallScenario, arrivals, ...scenario },
    { event: testEvent, members: ['Account:a', 'Account:b'], prefetch, grant, webSocket },
    {
      devices,
      speed: 10,
      clock: systemClock,
      random: seededRandom(1),
      signal: new AbortController().signal,
      progress: (online, elapsedMs) => progress(online, elapsedMs, advance),
    },
  );
}

it('real devices arrive and show what is broadcast', async () => {
  let onlineFromMs = Number.POSITIVE_INFINITY;
  let advanced = false;
  const result = await play({ durationMs: 60_000 }, (online, elapsedMs, advance) => {
    if (online === devices) onlineFromMs = Math.min(onlineFromMs, elapsedMs);
    // Who has just come is not counted.
    if (advanced || elapsedMs < onlineFromMs + 1_500) return;
    advance();
    advanced = true;
  });
  expect(advanced).toBe(true);
  expect(result).toMatchObject({ devices, onlineMax: devices, lost: 0, problems: {} });
  expect(result.stages).toMatchObject([{ devices, reached: devices }]);
  expect(result.stages[0]?.t100Ms).toBeLessThan(2_000);
});

it('real devices come back by themselves when their connections break', async () => {
  const faults: readonly Fault[] = [
    { kind: 'connections-lost', atMs: 15_000, share: 1 },
    { kind: 'gateway-killed', atMs: 15_000, gateway: 0, downMs: 1 },
  ];
  const result = await play({ durationMs: 60_000, faults }, () => undefined);
  expect(result.lost).toBeGreaterThan(devices / 2);
  expect(result.recoveryMs).toBeGreaterThan(0);
  expect(result.leftOut).toEqual([faults[1]]);
});
