import { mkdirSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { browserPath, complaintsOf, startBrowser } from './browser-testing.ts';
import { LivePreview } from './live-preview-testing.ts';

/** `JOURNEY_GRAPH_SCREENSHOTS=1 vitest run console`: makes the picture of the README again. */
const wantsPictures = process.env.JOURNEY_GRAPH_SCREENSHOTS === '1';
const times = { lobbyMs: 60_000, liveMs: 90_000, endedMs: 150_000 };
const polling = { timeout: 15_000, interval: 20 };

/** In the page: when each device began to show each stage. */
const watchStages = `
  window.seen = [];
  new MutationObserver(() => {
    for (const device of document.querySelectorAll('.device')) {
      const stage = device.querySelector('.screen').dataset.stage;
      const kind = device.dataset.kind;
      if (stage && !window.seen.some((one) => one.kind === kind && one.stage === stage))
        window.seen.push({ kind, stage, atMs: performance.now() });
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-stage'] });
`;

const playerOpacity = `getComputedStyle(document.querySelector('[data-kind="tv"] .player')).opacity`;

interface Seen {
  readonly kind: string;
  readonly stage: string;
  readonly atMs: number;
}

describe('The page of live events', () => {
  if (browserPath === null) {
    it('has the browser that it needs', (test) => test.skip('Chromium is not installed'));
    return;
  }
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  async function open(
    size = { width: 1280, height: 900 },
    host = '127.0.0.1',
  ): Promise<{ page: Page; preview: LivePreview; complaints: string[]; stages: () => Promise<string[]> }> {
    const preview = await LivePreview.start(times);
    onTestFinished(() => preview.close());
    const page = await browser.newPage({ viewport: size });
    onTestFinished(() => page.close());
    const complaints = complaintsOf(page);
    await page.addInitScript(watchStages);
    await page.goto(preview.url.replace('127.0.0.1', host));
    const stages = (): Promise<string[]> =>
      page.evaluate("[...document.querySelectorAll('.screen')].map((one) => one.dataset.stage)");
    await expect.poll(stages, polling).toEqual(['announced', 'announced', 'announced']);
    return { page, preview, complaints, stages };
  }

  const all = (stage: string): string[] => [stage, stage, stage];

  it('connects under the name of this machine by which it was loaded', async () => {
    const { preview, complaints, stages } = await open(undefined, 'localhost');
    preview.publish('lobby');
    await expect.poll(stages, polling).toEqual(all('lobby'));
    expect(complaints).toEqual([]);
  });

  it('shows invitation, lobby, badge and player on three devices at the same moment', async () => {
    const { page, preview, complaints, stages } = await open();
    const tv = page.locator('[data-kind="tv"]');
    expect(await tv.locator('.badge').textContent()).toBe('Live tonight');
    expect(await tv.locator('.countdown').isVisible()).toBe(false);
    preview.publish('lobby');
    await expect.poll(stages, polling).toEqual(all('lobby'));
    await expect.poll(() => tv.locator('.countdown').textContent(), polling).toMatch(/^1:\d\d$/);
    expect(await page.evaluate(playerOpacity)).toBe('0');
    preview.publish('live');
    await expect.poll(stages, polling).toEqual(all('live'));
    await expect.poll(() => page.evaluate(playerOpacity), polling).toBe('1');
    expect(await tv.locator('.badge').textContent()).toBe('Live');
    preview.publish('ended');
    await expect.poll(stages, polling).toEqual(all('ended'));
    const seen: readonly Seen[] = await page.evaluate('window.seen');
    expect(seen).toHaveLength(12);
    for (const stage of ['lobby', 'live', 'ended']) {
      const moments = seen.filter((one) => one.stage === stage).map(({ atMs }) => atMs);
      expect(moments).toHaveLength(3);
      // Told by the broadcast and not by a later look; how fast, `bench -- broadcast` says.
      expect(Math.max(...moments) - Math.min(...moments)).toBeLessThan(2_000);
    }
    expect(complaints).toEqual([]);
  });

  it('takes a device away for a stage, and brings it back at the right one', async () => {
    const { page, preview, complaints, stages } = await open();
    const phone = page.locator('[data-kind="phone"]');
    await expect.poll(() => phone.locator('.state').textContent(), polling).toBe('online');
    await phone.getByRole('button', { name: 'Go offline' }).click();
    await expect.poll(() => phone.locator('.state').textContent(), polling).toBe('offline');
    preview.publish('lobby');
    preview.publish('live');
    await expect.poll(stages, polling).toEqual(['live', 'live', 'announced']);
    expect(await phone.locator('.offline').isVisible()).toBe(true);
    await phone.getByRole('button', { name: 'Come back' }).click();
    await expect.poll(stages, polling).toEqual(all('live'));
    const seen: readonly Seen[] = await page.evaluate('window.seen');
    const ofPhone = seen.filter(({ kind }) => kind === 'phone').map(({ stage }) => stage);
    expect(ofPhone).toEqual(['announced', 'live']);
    expect(await phone.locator('.cursor').textContent()).toBe('1.3');
    expect(complaints).toEqual([]);
  });

  it('starts from its cache when it is opened again without a server for sockets', async () => {
    const { page, preview, stages } = await open();
    preview.publish('lobby');
    await expect.poll(stages, polling).toEqual(all('lobby'));
    // What was acknowledged is kept.
    const kept = (): number => preview.fake.applied.filter(({ sequence }) => sequence === 2).length;
    await expect.poll(kept, polling).toBe(3);
    preview.fake.refuses = 503;
    preview.fake.cut();
    await page.reload();
    await expect.poll(stages, polling).toEqual(all('lobby'));
    await expect.poll(() => page.locator('.state').first().textContent(), polling).toBe('reconnecting');
    preview.fake.refuses = null;
    await expect.poll(() => page.locator('.state').allTextContents(), polling).toEqual(all('online'));
  });

  it('tells how far each broadcast came, and does without where nobody counts', async () => {
    const { page, preview, complaints, stages } = await open();
    preview.publish('lobby');
    await expect.poll(stages, polling).toEqual(all('lobby'));
    const newest = page.locator('#broadcasts tr').first();
    await expect
      .poll(() => newest.locator('td').allTextContents(), polling)
      .toMatchObject({ 0: '2', 1: 'lobby', 5: '3' });
    expect(await newest.locator('td').last().textContent()).toBe('45 never connected');
    await expect.poll(() => page.locator('#figures').textContent(), polling).toContain('3 of 48');
    preview.hasCoverage = false;
    await expect.poll(() => page.locator('#figures').textContent(), polling).toContain('No figures yet');
    expect(complaints).toEqual([]);
  });

  it('goes on to the next event when there is one', async () => {
    const { page, preview, complaints, stages } = await open();
    preview.publish('ended');
    await expect.poll(stages, polling).toEqual(all('ended'));
    preview.nextEvent(2);
    await expect.poll(stages, polling).toEqual(all('announced'));
    preview.publish('lobby');
    await expect.poll(stages, polling).toEqual(all('lobby'));
    expect(await page.locator('.cursor').allTextContents()).toEqual(['2.2', '2.2', '2.2']);
    expect(complaints).toEqual([]);
  });

  it.each([
    ['a desk', 1280],
    ['a hand', 390],
  ])('fits %s of %i pixels', async (_name, width) => {
    const { page, preview, stages } = await open({ width, height: 844 });
    preview.publish('lobby');
    await expect.poll(stages, polling).toEqual(all('lobby'));
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    // Nothing that is written on a device runs out of it, or lies on something else that is.
    const overlaps = await page.evaluate(`[...document.querySelectorAll('.screen')].flatMap((screen) => {
      const box = screen.getBoundingClientRect();
      const boxes = ['.badge', '.countdown', '.title', '.subtitle', '.action', '.rows i'].map((part) =>
        [part, screen.querySelector(part).getBoundingClientRect()]).filter(([, one]) => one.height > 0);
      return boxes.filter(([, one], index) => one.top < box.top || one.bottom > box.bottom ||
        (index > 0 && one.top < boxes[index - 1][1].bottom - 1)).map(([part]) => part);
    })`);
    expect(overlaps).toEqual([]);
  });

  it('stands still for those who ask for it', async () => {
    const { page, preview, stages } = await open();
    await page.emulateMedia({ reducedMotion: 'reduce' });
    preview.publish('live');
    await expect.poll(stages, polling).toEqual(all('live'));
    const animations = `document.getAnimations().filter((one) => one.playState === 'running').length`;
    await expect.poll(() => page.evaluate(animations), polling).toBe(0);
  });

  // No `skipIf`: a picture that nobody asked for is no test that this machine lacks something for.
  if (!wantsPictures) return;
  it('has its picture taken', async () => {
    const { page, preview, stages } = await open({ width: 1280, height: 820 });
    preview.publish('lobby');
    await expect.poll(stages, polling).toEqual(all('lobby'));
    await page.locator('[data-kind="phone"] button').click();
    preview.publish('live');
    await expect.poll(stages, polling).toEqual(['live', 'live', 'lobby']);
    await expect.poll(() => page.locator('#figures').textContent(), polling).toContain('2 of 48');
    await expect.poll(() => page.locator('[data-kind="tv"] .elapsed').textContent(), polling).toBe('0:04');
    const folder = new URL('../docs/images/', import.meta.url).pathname;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: `${folder}live.png` });
  });
});
