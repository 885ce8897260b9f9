import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  liveSubprotocol,
  readServerMessage,
  type ServerMessage,
  tokenSubprotocolPrefix,
} from '../device/index.ts';
import { must, systemClock } from '../foundation/index.ts';
import { createDeviceTokens } from '../live-events/index.ts';
import { RunningCommand } from '../test/pack/running-command.ts';
import { fakeIo } from './command-io.fake.ts';
import { liveTokenKeyFile, readLiveSecret } from './live-secrets.ts';
import { runProgram } from './program.ts';

const main = join(import.meta.dirname, 'main.ts');

function start(...words: string[]): RunningCommand {
  const running = new RunningCommand(process.execPath, [main, ...words], tmpdir());
  onTestFinished(() => running.kill('SIGKILL'));
  return running;
}

async function jg(...words: readonly string[]): Promise<{ readonly code: number; readonly err: string }> {
  const io = fakeIo({ clock: systemClock });
  return { code: await runProgram(words, io), err: io.written.err };
}

describe('jg gateway', () => {
  it('serves devices in a process of its own, told by jg up, and sends them away when it is stopped', async () => {
    const data = mkdtempSync(join(tmpdir(), 'jg-gateway-'));
    onTestFinished(() => rmSync(data, { recursive: true, force: true }));
    const up = start('up', '--port', '0', '--demo', 'off', '--data', data);
    const [url = ''] = await up.printed(/http:\/\/127\.0\.0\.1:\d+/);
    const made = await jg(
      'live',
      'create',
      'fight-1',
      '--stage',
      'live=by-hand',
      '--stage',
      'ended=by-hand',
      '--url',
      url,
    );
    expect(made).toMatchObject({ code: 0 });
    const router = `${url.replace('http', 'ws')}/live/gateway`;
    const gateway = start(
      'gateway',
      '--router',
      router,
      '--listen',
      '127.0.0.1:0',
      '--data',
      data,
      '--json',
      '--live.drain.ms',
      '0',
    );
    const [, port = ''] = await gateway.printed(/"port":(\d+)/);
    await expect.poll(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}/graphql`)).status).toBe(404);

    const device = await connectDevice(data, port);
    await expect.poll(() => device.received.map(({ stage }) => stage)).toEqual(['announced']);
    expect(await jg('live', 'advance', 'fight-1', 'live', '--url', url)).toMatchObject({ code: 0 });
    await expect.poll(() => device.received.map(({ stage }) => stage)).toEqual(['announced', 'live']);

    gateway.kill('SIGTERM');
    expect(await device.closed).toEqual({ code: 1001, reason: expect.stringMatching(/^retry=\d+$/) });
    expect(await gateway.exited).toMatchObject({ code: 0 });
    up.kill('SIGINT');
    expect(await up.exited).toMatchObject({ code: 0 });
  });

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
