import { expect, test } from 'vitest';
import { BundledRegistry } from './bundled-registry.ts';
import { loadCatalog } from './catalog/index.ts';

test('a bundled schema keeps its id whatever else is bundled and however its text is laid out', async () => {
  const catalog = await loadCatalog();
  const forwards = BundledRegistry.of(catalog);
  const backwards = BundledRegistry.of(
    catalog.toReversed().map(({ subject, text }) => ({ subject, text: ` ${text}\n` })),
  );
  const ids = new Set<number>();
  for (const { subject } of catalog) {
    const version = await forwards.latest(subject);
    expect((await backwards.latest(subject))?.schema.id).toBe(version?.schema.id);
    ids.add(version?.schema.id ?? -1);
  }
  expect(ids.size).toBe(catalog.length);
  expect(Math.min(...ids)).toBeGreaterThan(0);
});

test('registering finds a text that is there, adds one that is not, and keeps each text unchanged', async () => {
  const registry = BundledRegistry.of([]);
  const first = await registry.register('s', '{ "type": "int" }');
  expect(await registry.register('s', '{"type":"int"}')).toEqual(first);
  expect(await registry.register('s', '{"type":"int","graph":{}}')).toMatchObject({ version: 2 });
  expect((await registry.versions('s')).map(({ schema }) => schema.text)).toEqual([
    '{ "type": "int" }',
    '{"type":"int","graph":{}}',
  ]);
  expect(await registry.schemaById(first.schema.id)).toEqual(first.schema);
  await expect(registry.schemaById(1)).rejects.toMatchObject({
    code: 'SCHEMA_NOT_FOUND',
    reaction: 'bad-data',
  });
  expect(await registry.latest('none')).toBeNull();
});
