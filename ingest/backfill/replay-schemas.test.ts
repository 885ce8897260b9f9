import { expect, it } from 'vitest';
import { BadDataError } from '../../foundation/index.ts';
import { BundledRegistry, loadCatalog } from '../../schemas/index.ts';
import { readFraming } from '../confluent-framing.ts';
import { ReplaySchemas } from './replay-schemas.ts';

const kept = (texts: Readonly<Record<string, string>>) => ({
  find: async (id: number | string) => texts[String(id)] ?? null,
});

async function registryWithOne() {
  const registry = BundledRegistry.of(await loadCatalog());
  const found = await registry.latest('identity.account-value');
  if (found === null) throw new Error('the catalog has accounts');
  return { registry, schema: found.schema };
}

it('Schemas of a replay are those of the registry, and of the archive where the registry has forgotten them', async () => {
  const { registry, schema } = await registryWithOne();
  const schemas = new ReplaySchemas(registry, kept({ 7: '"string"', [String(schema.id)]: schema.text }));
  expect((await schemas.schemaById(schema.id)).text).toBe(schema.text);
  expect((await schemas.schemaById(7)).text).toBe('"string"');
  await expect(schemas.schemaById(8)).rejects.toBeInstanceOf(BadDataError);
  const without = new ReplaySchemas(registry, null);
  await expect(without.schemaById(7)).rejects.toMatchObject({ code: 'SCHEMA_NOT_FOUND' });
});

it('A registry that gave the id to another schema since stops a replay: its events would be read wrongly', async () => {
  const { registry, schema } = await registryWithOne();
  const spaced = JSON.stringify(JSON.parse(schema.text), null, 2);
  const same = new ReplaySchemas(registry, kept({ [String(schema.id)]: spaced }));
  expect((await same.schemaById(schema.id)).text).toBe(schema.text);
  const other = new ReplaySchemas(registry, kept({ [String(schema.id)]: '"string"' }));
  await expect(other.schemaById(schema.id)).rejects.toMatchObject({
    code: 'SCHEMA_DIFFERS',
    reaction: 'stop',
  });
});

it('The schema of a file has a GUID, which its values name as clients of Confluent do', async () => {
  const { registry } = await registryWithOne();
  const schemas = new ReplaySchemas(registry, null);
  const header = schemas.noteWriter('"long"');
  const framing = readFraming(Uint8Array.of(2), [header]);
  if (framing.kind !== 'guid') throw new Error('the header names a GUID');
  expect((await schemas.schemaByGuid(framing.guid)).text).toBe('"long"');
  expect(schemas.noteWriter('"int"').value).not.toEqual(header.value);
  await expect(schemas.schemaByGuid('00000000-0000-0000-0000-000000000000')).rejects.toBeInstanceOf(
    BadDataError,
  );
});
