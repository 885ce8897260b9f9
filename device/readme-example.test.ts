import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import * as published from './index.ts';
import { testPrefetch } from './live-device-testing.ts';
import { LiveServerFake } from './live-server.fake.ts';

/** The parameters are what a page has around the example. */
type Example = (
  parts: typeof published,
  localStorage: published.StorageLike,
  page: { show(stage: string, show: unknown): Promise<void>; state(...state: unknown[]): void },
  fetch: typeof globalThis.fetch,
) => published.LiveDevice;

function example(): Example {
  const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
  const [, source = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  const script = stripTypeScriptTypes(
    source.replace(/^import \{(.*)\} from 'journey-graph\/device';$/m, 'const {$1} = parts;'),
  );
  expect(script).not.toContain('import');
  return new Function('parts', 'localStorage', 'page', 'fetch', `${script}; return device;`) as Example;
}

it('The example of the README shows a stage, keeps it and says so', async () => {
  const server = await LiveServerFake.start();
  onTestFinished(() => server.close());
  const kept = new Map<string, string>();
  const localStorage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  };
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (address) => {
    asked.push(String(address));
    return Response.json(String(address).includes('prefetch') ? testPrefetch() : server.grant());
  };
  const parts = {
    ...published,
    httpPrefetch: (options: published.HttpPrefetchOptions) => published.httpPrefetch({ ...options, fetch }),
  };
  const shown: string[] = [];
  const states: unknown[] = [];
  const page = {
    show: async (stage: string) => void shown.push(stage),
    state: (...state: unknown[]) => states.push(state),
  };
  const device = example()(parts, localStorage, page, fetch);
  onTestFinished(() => device.close());
  await expect.poll(() => server.applied).toMatchObject([{ sequence: 1 }]);
  expect(shown[0]).toBe('announced');
  expect(asked).toContain(
    'https://graph.example/live/events/fight-1/prefetch?member=Account%3Aacc-000001&device=tv',
  );
  expect(states.length).toBeGreaterThan(0);
  await expect.poll(() => [...kept.keys()].some((key) => key.includes('fight-1'))).toBe(true);
});
