import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runtimeFiles, withCompiledUrls } from './compiled-tree.ts';

it('points a worker’s URL at the compiled module', () => {
  expect(withCompiledUrls("new Worker(new URL('./store-worker.ts', import.meta.url))")).toBe(
    "new Worker(new URL('./store-worker.js', import.meta.url))",
  );
  expect(withCompiledUrls('new URL(\n  "../a/b.ts",\n  import.meta.url,\n)')).toBe(
    'new URL(\n  "../a/b.js",\n  import.meta.url,\n)',
  );
});

it.each(["new URL('./a.avsc', import.meta.url)", "new URL('./a.ts', base)", "const a = './a.ts';"])(
  'leaves %s as it is',
  (source) => {
    expect(withCompiledUrls(source)).toBe(source);
  },
);

it('takes the files that code reads along, and leaves sources, documents and fixtures', () => {
  const root = mkdtempSync(join(tmpdir(), 'journey-graph-pack-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const names = [
    'index.ts',
    'README.md',
    '.hidden',
    'a.avsc',
    'catalog/b.avsc',
    'fixtures/c.json',
    'catalog/b.fixtures/generated-01.json',
    'page.html',
  ];
  for (const name of names) {
    const path = join(root, 'schemas', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
  }
  expect(runtimeFiles(root, 'schemas')).toEqual([
    'schemas/a.avsc',
    'schemas/catalog/b.avsc',
    'schemas/page.html',
  ]);
});
