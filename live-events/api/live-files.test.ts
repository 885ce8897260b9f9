import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startTestApi } from '../../query-api/api-testing.ts';
import { noExtension } from '../../query-api/index.ts';
import { DeviceFiles } from './device-files.ts';
import { liveFileRoutes } from './file-routes.ts';
import { LivePages } from './live-pages.ts';

const consoleFolder = new URL('../../console/', import.meta.url);

async function textOf(files: DeviceFiles, name: string): Promise<string> {
  return String((await files.answer(`/live/device/${name}`, undefined))?.body);
}

describe('the files of the device client', () => {
  it('are exactly the modules that its index loads, and are JavaScript', async () => {
    const files = new DeviceFiles();
    const loaded = new Set<string>();
    const enter = async (name: string): Promise<void> => {
      if (loaded.has(name)) return;
      loaded.add(name);
      const script = await textOf(files, name);
      // Throws at a type that was left.
      expect(stripTypeScriptTypes(script)).toBe(script);
      for (const [, next = ''] of script.matchAll(/\bfrom '\.\/([^']+)'/g)) await enter(next);
    };
    await enter('index.js');
    expect([...loaded].filter((name) => !name.endsWith('.js'))).toEqual([]);
    const sources = readdirSync(new URL('../../device/', import.meta.url));
    const known = sources.filter((name) => /^[a-z-]+\.ts$/.test(name) && !name.includes('testing'));
    for (const name of known) {
      const served = await files.answer(`/live/device/${name.replace('.ts', '.js')}`, undefined);
      expect([name, served !== null]).toEqual([name, loaded.has(name.replace('.ts', '.js'))]);
    }
  });

  it('run as they are served', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'device-files-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const files = new DeviceFiles();
    const enter = async (name: string): Promise<void> => {
      const script = await textOf(files, name);
      writeFileSync(join(folder, name), script);
      for (const [, next = ''] of script.matchAll(/\bfrom '\.\/([^']+)'/g)) await enter(next);
    };
    await enter('index.js');
    const loaded: object = await import(pathToFileURL(join(folder, 'index.js')).href);
    expect(Object.keys(loaded)).toEqual(
      expect.arrayContaining(['LiveDevice', 'httpPrefetch', 'StorageCache']),
    );
  });

  it('are served as they are where the package was compiled', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'device-files-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const compiled = "export { a } from './protocol.js';\n";
    writeFileSync(join(folder, 'index.js'), compiled);
    const files = new DeviceFiles(pathToFileURL(join(folder, 'index.js')));
    expect(await textOf(files, 'index.js')).toBe(compiled);
  });

  it.each([
    '',
    'index.ts',
    '../index.ts',
    '%2e%2e/index.ts',
    'live-device.test.js',
    'constructor',
    '__proto__',
    'index.js/',
  ])('are not "%s"', async (name) => {
    expect(await new DeviceFiles().answer(`/live/device/${name}`, undefined)).toBeNull();
  });
});

it('Pages and scripts are served to anybody, with a policy, and again only when they changed', async () => {
  const extension = { ...noExtension, routes: liveFileRoutes(consoleFolder, ['wss://live.example']) };
  const gate = { token: 'secret', allowedHosts: [], anyHost: false };
  const server = await startTestApi({ extension, gate });
  onTestFinished(() => server.close());
  const page = await fetch(`${server.url}/live/pages/`);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("connect-src 'self' wss://live.example;");
  expect(policy).not.toContain('unsafe');
  const script = await fetch(`${server.url}/live/device/index.js`);
  expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  const etag = script.headers.get('etag') ?? '';
  const again = await fetch(`${server.url}/live/device/index.js`, { headers: { 'if-none-match': etag } });
  expect([again.status, await again.text()]).toEqual([304, '']);
  expect(
    (await fetch(`${server.url}/live/pages/live.css`, { method: 'HEAD' })).headers.get('content-type'),
  ).toBe('text/css; charset=utf-8');
  expect((await fetch(`${server.url}/live/pages/live.html`, { method: 'POST' })).status).toBe(405);
  expect((await fetch(`${server.url}/live/pages/nothing.js`)).status).toBe(404);
});

it('The page has every file that it loads, and no script or style of its own', async () => {
  const pages = new LivePages(consoleFolder, []);
  const read = async (name: string): Promise<string> => {
    const answer = await pages.answer(`/live/pages/${name}`, undefined);
    expect(answer, name).not.toBeNull();
    return String(answer?.body);
  };
  const html = await read('');
  expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script>|https?:/);
  const names = [...html.matchAll(/(?:src|href)="([a-z-]+\.[a-z]+)"/g)].map(([, name]) => name ?? '');
  expect(names).toEqual(['live.css', 'live-icon.svg', 'live.js']);
  const seen = new Set<string>();
  const enter = async (name: string): Promise<void> => {
    if (seen.has(name)) return;
    seen.add(name);
    const text = await read(name);
    for (const [, next = ''] of text.matchAll(/\bfrom '\.\/([^']+)'/g)) await enter(next);
  };
  for (const name of names) await enter(name);
  expect(seen.size).toBe(7);
});
