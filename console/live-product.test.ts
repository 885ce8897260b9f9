import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RunningCommand } from '../test/pack/running-command.ts';
import { browserPath, complaintsOf, startBrowser } from './browser-testing.ts';

const main = join(import.meta.dirname, '..', 'cli', 'main.ts');
const polling = { timeout: 20_000, interval: 20 };
/** It takes a few seconds; beside others that want the processor, a process and a browser take long to start. */
const busyMachineMs = 120_000;
const three = (text: string): string[] => [text, text, text];

/** In the page: the stages that each device has shown, in their order. */
const watchStages = `
  window.seen = { tv: [], tablet: [], phone: [] };
  new MutationObserver(() => {
    for (const device of document.querySelectorAll('.device')) {
      const { stage } = device.querySelector('.screen').dataset;
      const seen = window.seen[device.dataset.kind];
      if (stage && seen.at(-1) !== stage) seen.push(stage);
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-stage'] });
`;

const show = (title: string, player: 'stay' | 'enter') => ({
  ...{ title, player, artwork: 'ring', badge: 'Fight', placement: 'hero', deepLink: '/fight-1' },
});
const plan = JSON.stringify({
  outsiders: 'default',
  segments: [
    {
      key: 'everybody',
      reason: 'everybody',
      show: { announced: show('The fight', 'stay'), live: show('The fight is on', 'enter') },
    },
  ],
});

interface Answer {
  readonly data: Readonly<Record<string, { readonly id: string }>> | null;
  readonly errors?: unknown;
}

/** `jg up` as people start it; without the demo, so that the only event is that of the test. */
async function startProduct(): Promise<{
  readonly url: string;
  readonly up: RunningCommand;
  ask(query: string, variables?: object): Promise<Answer['data']>;
}> {
  const data = mkdtempSync(join(tmpdir(), 'live-product-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const live = ['--live.sockets.max', '50', '--live.pools', 'elsewhere=https://pool.example'];
  const words = [main, 'up', '--port', '0', '--demo', 'off', '--data', data, ...live];
  const up = new RunningCommand(process.execPath, words, tmpdir());
  onTestFinished(() => up.kill('SIGKILL'));
  const [, url = ''] = await up.printed(/(http:\/\/127\.0\.0\.1:\d+)\//);
  const ask = async (query: string, variables: object = {}): Promise<Answer['data']> => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ query, variables });
    const answer: Answer = await (await fetch(`${url}/graphql`, { method: 'POST', headers, body })).json();
    expect(answer.errors).toBe(undefined);
    return answer.data;
  };
  return { url, up, ask };
}

const create = `mutation($audience: ID, $plan: String) { createLiveEvent(id: "fight-1", title: "The fight", audience: $audience, plan: $plan,
  stages: [{ key: "lobby", kind: LOBBY }, { key: "live", kind: LIVE }, { key: "ended", kind: ENDED }]) { id } }`;
const freeze = `mutation { freezeAudience(memberType: "Account", name: "everybody", key: "everybody", waitMs: 4000,
  where: { did: { edge: "WATCHED", to: { type: "Title" } } }) { id } }`;
const preflight = '{ liveEvent(id: "fight-1") { id preflight { checks { sentence } } } }';
const reschedule = `mutation($moves: [LiveStageMove!]!) { rescheduleLiveEvent(id: "fight-1", moves: $moves) { id } }`;

describe('The page of live events, of jg up itself', () => {
  if (browserPath === null) {
    it('has the browser that it needs', (test) => test.skip('Chromium is not installed'));
    return;
  }
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  async function open(url: string): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const complaints = complaintsOf(page);
    await page.addInitScript(watchStages);
    await page.goto(`${url}/live/pages/`);
    return { page, complaints };
  }

  it(
    'goes with three devices from the announcement through live to the end, and stops them when the event is deleted',
    async () => {
      const { url, up, ask } = await startProduct();
      const audience = (await ask(freeze))?.freezeAudience?.id;
      await ask(create, { audience, plan });
      expect(JSON.stringify(await ask(preflight))).toContain('1 gateway has room for 50 sockets.');
      const policy = (await fetch(`${url}/live/pages/`)).headers.get('content-security-policy');
      expect(policy).toContain("connect-src 'self' wss://pool.example;");
      const { page, complaints } = await open(url);
      const stages = (): Promise<string[]> =>
        page.evaluate("[...document.querySelectorAll('.screen')].map((one) => one.dataset.stage)");
      const states = (): Promise<string[]> => page.locator('.state').allTextContents();
      const titles = (): Promise<string[]> => page.locator('.title').allTextContents();
      await expect.poll(states, polling).toEqual(three('online'));
      await expect.poll(stages, polling).toEqual(three('announced'));
      await expect.poll(titles, polling).toEqual(three('The fight'));
      // From here on the clock of the product does it.
      const at = (afterMs: number): string => new Date(Date.now() + afterMs).toISOString();
      const moves = [
        { key: 'lobby', startsAt: at(300) },
        { key: 'live', startsAt: at(700) },
      ];
      await ask(reschedule, { moves });
      await expect.poll(stages, polling).toEqual(three('live'));
      expect(await titles()).toEqual(three('The fight is on'));
      await ask('mutation { endLiveEvent(id: "fight-1", reason: "knock-out") { id } }');
      await expect.poll(stages, polling).toEqual(three('ended'));
      const seen: Readonly<Record<string, readonly string[]>> = await page.evaluate('window.seen');
      // A device that is busy passes over a stage that is over by then, and shows none twice or late.
      for (const shown of Object.values(seen))
        expect(shown.filter((stage) => stage !== 'lobby')).toEqual(['announced', 'live', 'ended']);
      await ask('mutation { deleteLiveEvent(id: "fight-1", reason: "seen") }');
      await expect.poll(states, polling).toEqual(three('stopped'));
      expect(complaints).toEqual([]);
      const metrics = await (await fetch(`${url}/metrics`)).text();
      const admitted = (name: string): number =>
        Number(
          new RegExp(`traffic_requests_total\\{class="${name}",result="admitted"\\} (\\d+)`).exec(
            metrics,
          )?.[1],
        );
      // The sockets, more when one had to be dialed again, and what their devices fetched; the question for metrics is itself critical.
      expect(admitted('live-critical')).toBeGreaterThanOrEqual(4);
      expect(admitted('prefetch')).toBeGreaterThanOrEqual(3);
      up.kill('SIGINT');
      expect(await up.exited, up.output).toEqual({ code: 0, signal: null });
      expect(up.err).not.toContain('Warning');
    },
    busyMachineMs,
  );
});
