import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { addLivePreflight } from './commands/live-preflight.ts';
import { runProgram } from './program.ts';

const small = `version: 1
name: Small
seed: 1
duration: 10m
audience: { devices: 500, arrivals: [{ at: 4m, share: 1 }] }
stages: [{ key: live, kind: live, at: 5m }]
fleet: { gateways: 2, serverCores: 1 }
targets: { t100: 10s }
`;

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'jg-game-day-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

function scenarioFile(text: string): string {
  const file = join(folder(), 'scenario.yaml');
  writeFileSync(file, text);
  return file;
}

async function closedPort(): Promise<number> {
  const server = http.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function jg(...words: readonly string[]) {
  const io = fakeIo();
  const code = await runProgram(['game-day', ...words], io);
  return { code, ...io.written };
}

describe('jg game-day', () => {
  it('plays a scenario, writes its page and exits by its plan', async () => {
    const file = scenarioFile(small);
    const page = join(folder(), 'report.html');
    const { code, out, err } = await jg(file, '--out', page);
    expect({ code, err }).toEqual({ code: 0, err: `The report is in ${page}.\n` });
    expect(out).toContain('Small: 500 devices, 2 gateways');
    expect(out).toContain('The plan holds.');
    expect(out).not.toContain('What a device costs was not measured here');
    expect(readFileSync(page, 'utf8')).toContain('<title>Small: passed</title>');
    const failed = await jg(scenarioFile(small.replace('t100: 10s', 't100: 1ms')));
    expect(failed.code).toBe(1);
    expect(failed.out).toContain('FAILED  T100 of the slowest broadcast  at most 1 ms');
    expect(failed.out).toContain('The plan does not hold.');
  });

  it('with real sockets fails when nobody came online, since that shows nothing', async () => {
    const members = join(folder(), 'members.txt');
    writeFileSync(members, 'Account:a1\n');
    const io = fakeIo({ clock: systemClock });
    const real = ['--real', '2', '--event', 'fight-1', '--members', members, '--speed', '10000'];
    const nobody = ['--url', `http://127.0.0.1:${await closedPort()}`];
    const code = await runProgram(['game-day', scenarioFile(small), ...real, ...nobody], io);
    expect({ code, out: io.written.out }).toEqual({
      code: 1,
      out: expect.stringContaining('Nobody came online, so this shows nothing.'),
    });
  });

  it('gives the same trace for the same seed, as JSON too', async () => {
    const file = scenarioFile(small);
    const hashOf = async (...more: readonly string[]): Promise<unknown> => {
      const { hash, verdict } = JSON.parse((await jg(file, '--json', ...more)).out);
      expect(verdict.passed).toBe(true);
      return hash;
    };
    expect(await hashOf()).toBe(await hashOf('--seed', '1'));
    expect(await hashOf()).not.toBe(await hashOf('--seed', '2'));
  });

  it('takes constants that somebody measured', async () => {
    const bundled = readFileSync(
      new URL('../live-events/game-day/fleet-constants.json', import.meta.url),
      'utf8',
    );
    const file = join(folder(), 'measured.json');
    writeFileSync(
      file,
      JSON.stringify({ ...JSON.parse(bundled), isPlaceholder: false, deliveriesPerSecond: 10 }),
    );
    const { code, out } = await jg(scenarioFile(small), '--constants', file);
    expect(code).toBe(1);
    expect(out).not.toContain('not measured here');
  });

  it('tells all that is wrong with a scenario, each with its place', async () => {
    const file = scenarioFile(small.replace('gateways: 2', 'gateways: none').replace('seed: 1', 'sed: 1'));
    const { code, err } = await jg(file);
    expect(code).toBe(2);
    expect(err).toContain('error SCENARIO_INVALID');
    expect(err).toContain(`${file}:7:10: must be a whole number`);
    expect(err).toContain('`sed` means nothing here (did you mean `seed`?)');
  });

  it.each([
    [['nowhere.yaml'], 'SCENARIO_UNREADABLE'],
    [['FILE', '--seed', '-1'], 'UNEXPECTED_ARGUMENT'],
    [['FILE', '--constants', '/nowhere.json'], 'GAME_DAY_FILE_UNUSABLE'],
    [['FILE', '--constants', 'FILE'], 'FLEET_CONSTANTS_INVALID'],
    [['FILE', '--out', '/nowhere/report.html'], 'GAME_DAY_FILE_UNUSABLE'],
  ])('refuses %j with %s', async (words, said) => {
    const file = scenarioFile(small);
    const { code, err } = await jg(...words.map((word) => (word === 'FILE' ? file : word)));
    expect(code).toBe(2);
    expect(err).toContain(`error ${said}`);
  });

  it('ends soon when it is interrupted', async () => {
    const io = fakeIo();
    io.stop.abort();
    expect(await runProgram(['game-day', scenarioFile(small)], io)).toBe(1);
    expect(io.written.err).toContain('error INTERRUPTED');
  });

  it('--help begins with examples and names the scenarios there are', async () => {
    const { code, out } = await jg('--help');
    expect(code).toBe(0);
    expect(out).toMatch(/^Examples:\n {2}jg game-day/);
    expect(out).toContain('fight-night');
  });
});

/** Answers one GraphQL question and keeps what it was asked. */
async function startServer(data: unknown) {
  const asked: unknown[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      asked.push(JSON.parse(body).variables);
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ data }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = server.address();
  const port = isAddress(address) ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, asked };
}

function isAddress(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

async function preflight(...words: readonly string[]) {
  const io = fakeIo();
  let code = -1;
  const live = new Command('live').exitOverride();
  addLivePreflight(live, io, (ended) => {
    code = ended;
  });
  await live.parseAsync(['preflight', ...words], { from: 'user' });
  return { code, ...io.written };
}

describe('jg live preflight', () => {
  const checks = [
    { name: 'schedule', verdict: 'YES', sentence: 'It goes live in 1 h.' },
    { name: 'sockets', verdict: 'NO', sentence: 'Start 3 more.\u001b[2J' },
  ];

  it('says no with its reasons, and what terminals do with them is harmless', async () => {
    const { url, asked } = await startServer({ liveEvent: { preflight: { holds: false, checks } } });
    const { code, out } = await preflight('fight-1', '--url', url, '--within', '30');
    expect(code).toBe(1);
    expect(out).toContain('no       sockets    Start 3 more.\\u001b[2J\n');
    expect(out).toContain('No: the plan cannot hold.');
    expect(asked).toEqual([{ id: 'fight-1', devicesPerMember: 1, t100Ms: 30_000, prefetchShareMin: 0.95 }]);
  });

  it('says yes, as JSON too', async () => {
    const { url } = await startServer({ liveEvent: { preflight: { holds: true, checks: [] } } });
    expect(await preflight('fight-1', '--url', url)).toMatchObject({
      code: 0,
      out: '\nThe plan can hold.\n',
    });
    expect(JSON.parse((await preflight('fight-1', '--url', url, '--json')).out)).toEqual({
      holds: true,
      checks: [],
    });
  });

  it('refuses an event that there is not, and numbers that are none', async () => {
    const { url } = await startServer({ liveEvent: null });
    await expect(preflight('fight-1', '--url', url)).rejects.toMatchObject({ code: 'LIVE_EVENT_UNKNOWN' });
    await expect(preflight('a', '--within', 'soon')).rejects.toMatchObject({ code: 'UNEXPECTED_ARGUMENT' });
  });
});
