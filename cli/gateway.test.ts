import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as dial, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  liveSubprotocol,
  readServerMessage,
  type Schedule,
  type ServerMessage,
  systemPorts,
  tokenSubprotocolPrefix,
} from '../device/index.ts';
import { must, systemClock } from '../foundation/index.ts';
import { createDeviceTokens } from '../live-events/index.ts';
import { WatchedDevice } from '../test/faults/live-kill-devices.ts';
import { jgGateway, jgUp, type KilledCommand } from '../test/faults/live-processes.ts';
import { LiveServerClient } from '../test/faults/live-server-client.ts';
import { fakeIo } from './command-io.fake.ts';
import { liveTokenKeyFile, readLiveSecret } from './live-secrets.ts';
import { runProgram } from './program.ts';

async function jg(...words: readonly string[]): Promise<{ readonly code: number; readonly err: string }> {
  const io = fakeIo({ clock: systemClock });
  return { code: await runProgram(words, io), err: io.written.err };
}

describe('jg gateway', () => {
  const data = mkdtempSync(join(tmpdir(), 'jg-gateway-'));
  const up = jgUp(data, 0);
  let server = new LiveServerClient('http://127.0.0.1');
  beforeAll(async () => {
    const [url] = await up.start();
    server = new LiveServerClient(url);
  });
  afterAll(async () => {
    const code = await up.stop();
    rmSync(data, { recursive: true, force: true });
    expect(code).toBe(0);
  });
  const startGateway = async (id: string): Promise<Gateway> => {
    const command = jgGateway(data, server.url, id, 0);
    onTestFinished(() => command.end());
    const [, port = ''] = await command.start();
    await expect.poll(() => readiness(port), patience).toBe(200);
    return { command, port };
  };

  it('serves devices in a process of its own, told by jg up, and sends them away when it is stopped', async () => {
    const words = ['--stage', 'live=by-hand', '--stage', 'ended=by-hand', '--url', server.url];
    expect(await jg('live', 'create', 'fight-1', ...words)).toMatchObject({ code: 0 });
    const { command, port } = await startGateway('gateway-1');
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}/graphql`)).status).toBe(404);

    const device = await connectDevice(data, port);
    await expect.poll(() => device.received.map(({ stage }) => stage), patience).toEqual(['announced']);
    expect(await jg('live', 'advance', 'fight-1', 'live', '--url', server.url)).toMatchObject({ code: 0 });
    await expect
      .poll(() => device.received.map(({ stage }) => stage), patience)
      .toEqual(['announced', 'live']);

    const stopped = command.stop();
    expect(await device.closed).toEqual({ code: 1001, reason: expect.stringMatching(/^retry=\d+$/) });
    expect(await stopped).toBe(0);
  });

  it('that is killed with -9 costs its devices nothing: they come back over another one and end at the right stage', async () => {
    const stages = killStages;
    await server.create('fight-2', stages);
    const gateways = await Promise.all(['gateway-1', 'gateway-2'].map(startGateway));
    const faults: string[] = [];
    let newestRank = 0;
    /** Where each device asked last. */
    const dialed: number[] = [];
    const devices = Array.from({ length: 6 }, (_, index) => {
      let tries = index;
      const device = new WatchedDevice({
        event: 'fight-2',
        name: `device-${index}`,
        stages,
        version: 1,
        connection: async (member) => {
          const gateway = tries++ % 2;
          dialed[index] = gateway;
          const { port } = must(gateways[gateway], 'there are two');
          const grant = await server.connection('fight-2', member, 'tv-1');
          return { ...grant, url: grant.url.replace(/:\d+\//, `:${port}/`) };
        },
        ports: systemPorts,
        newestRank: () => newestRank,
        failed: (what) => faults.push(what),
      });
      onTestFinished(() => device.close());
      return device;
    });
    const allAt = async (stage: string): Promise<void> => {
      await expect
        .poll(() => devices.map(({ status }) => status.stage), patience)
        .toEqual(devices.map(() => stage));
      const truth = await server.state('fight-2');
      expect(truth.stage).toBe(stage);
      await expect
        .poll(() => devices.filter((device) => !device.isAt(truth)).map(({ text }) => text), patience)
        .toEqual([]);
    };
    await allAt('announced');
    // Not by their number: one whose first handshake was slow or refused is at the other gateway.
    const heldBy = (gateway: number): readonly WatchedDevice[] =>
      devices.filter(({ status }, index) => status.connection === 'online' && dialed[index] === gateway);
    const [lost, kept] = [heldBy(0), heldBy(1)];
    expect(lost).not.toEqual([]);
    expect(kept).not.toEqual([]);
    const connectsOf = (some: readonly WatchedDevice[]): number[] => some.map(({ connects }) => connects);
    const [lostBefore, keptBefore] = [connectsOf(lost), connectsOf(kept)];
    await gateways[0]?.command.kill();
    newestRank = 1;
    await server.advance('fight-2', 'announced', 'live');
    await allAt('live');
    newestRank = 2;
    await server.advance('fight-2', 'live', 'ended');
    await allAt('ended');
    // Those of the other gateway noticed nothing.
    expect(connectsOf(kept)).toEqual(keptBefore);
    for (const [index, connects] of connectsOf(lost).entries())
      expect(connects).toBeGreaterThan(must(lostBefore[index], 'there was one'));
    expect(devices.map(({ shown }) => shown)).toEqual(devices.map(() => ['announced', 'live', 'ended']));
    expect(faults).toEqual([]);
  });

  it('has room beside it in jg up: for more sockets than a server of requests alone has', async () => {
    const sockets: Socket[] = [];
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    const { port, hostname } = new URL(server.url);
    while (sockets.length < moreThanRequests) {
      const some = Array.from({ length: 100 }, () => dial(Number(port), hostname));
      sockets.push(...some);
      await Promise.all(some.map((socket) => once(socket, 'connect')));
    }
    expect((await fetch(`${server.url}/livez`, { headers: { connection: 'close' } })).status).toBe(200);
    expect(sockets.filter(({ destroyed, readableEnded }) => destroyed || readableEnded)).toEqual([]);
  });

  it.each(['/live/./socket', '/live/%2e/socket', '//x/live/socket', '/live/./gateway', '//x/live/gateway'])(
    'has beside it a jg up that keeps no connection which asks for %s, and lives when it is reset',
    async (path) => {
      const { port, host, hostname } = new URL(server.url);
      const ask = (): Socket => {
        const socket = dial(Number(port), hostname);
        socket.write(
          `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
        );
        return socket;
      };
      const lives = async (): Promise<number> =>
        (await fetch(`${server.url}/livez`, { headers: { connection: 'close' } })).status;
      const reset = ask();
      // By then the request to upgrade, which was sent before, is read.
      expect(await lives()).toBe(200);
      reset.resetAndDestroy();
      expect(await lives()).toBe(200);
      const socket = ask();
      let answer = '';
      socket.on('data', (part) => {
        answer += String(part);
      });
      await once(socket, 'close');
      expect(answer).toMatch(/^HTTP\/1\.1 404 /);
      expect(await lives()).toBe(200);
    },
  );

  it.each([
    [
      'a place to listen that is none',
      ['--router', 'ws://127.0.0.1:4000/live/gateway', '--listen', '4100'],
      'LIVE_LISTEN_INVALID',
    ],
    ['no router', [], 'LIVE_ROUTER_MISSING'],
    ['an address that is none of a router', ['--router', 'http://127.0.0.1:4000'], 'LIVE_ROUTER_MISSING'],
    [
      'a name that is none',
      ['--router', 'ws://127.0.0.1:4000/live/gateway', '--id', 'a b'],
      'LIVE_GATEWAY_ID',
    ],
  ])('refuses %s', async (_name, words, code) => {
    expect(await jg('gateway', ...words)).toMatchObject({
      code: 2,
      err: expect.stringContaining(`error ${code}: `),
    });
  });
});

/** A server that has no devices takes 2,048. */
const moreThanRequests = 2_100;
/** For processes beside each other, on a machine that does other work. */
const patience = { timeout: 20_000 };
const killStages: Schedule = [
  { key: 'announced', kind: 'announced', startsAtMs: null },
  { key: 'live', kind: 'live', startsAtMs: null },
  { key: 'ended', kind: 'ended', startsAtMs: null },
];

interface Gateway {
  readonly command: KilledCommand;
  readonly port: string;
}

async function readiness(port: string): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
}

interface Device {
  readonly received: ServerMessage[];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

async function connectDevice(data: string, port: string): Promise<Device> {
  const tokens = await createDeviceTokens(await readLiveSecret(liveTokenKeyFile(data)), systemClock);
  const expiresAtMs = Date.now() + 60_000;
  const token = await tokens.sign({ event: 'fight-1', member: 'Account:a1', device: 'tv-1', expiresAtMs });
  const received: ServerMessage[] = [];
  const url = `ws://127.0.0.1:${port}/live/socket?event=fight-1`;
  const socket = new WebSocket(url, [liveSubprotocol, `${tokenSubprotocolPrefix}${token}`]);
  socket.onmessage = ({ data: text }) => {
    received.push(must(readServerMessage(String(text)), 'it is of the protocol'));
  };
  const closed = new Promise<{ readonly code: number; readonly reason: string }>((resolve) => {
    socket.onclose = ({ code, reason }) => resolve({ code, reason });
  });
  return { received, closed };
}
