import { expect, it } from 'vitest';
import { silentLog } from '../foundation/index.ts';
import { AvroSchema, BundledRegistry, EventEncoder } from '../schemas/index.ts';
import { LookupTables, lookupTablesDefault } from './lookup-tables.ts';
import { HandClock, HandTableSource, settle } from './lookup-testing.ts';

const text = JSON.stringify({ type: 'record', name: 'Row', fields: [{ name: 'v', type: 'string' }] });

async function start(bytesMax: number) {
  const registry = BundledRegistry.of([]);
  const { schema } = await registry.register('rows-value', text);
  const sources = new Map<string, HandTableSource>();
  const source = (topic: string): HandTableSource => {
    const made = new HandTableSource(topic);
    sources.set(topic, made);
    return made;
  };
  const parts = { source, registry, clock: new HandClock(), log: silentLog };
  const tables = new LookupTables(parts, { ...lookupTablesDefault, bytesMax });
  return { tables, sources, rows: new EventEncoder(schema.id, text) };
}

it('reads each topic once, whatever the number of mappings that ask for it', async () => {
  const { tables, sources } = await start(2 ** 20);
  expect(tables.table('a')).toBe(tables.table('a'));
  tables.table('b');
  expect([...sources.keys()]).toEqual(['a', 'b']);
  await tables.close();
});

it('refuses one table more than a process may read', async () => {
  const { tables, sources } = await start(2 ** 20);
  for (let number = 0; number < 64; number += 1) tables.table(`t-${number}`);
  expect(() => tables.table('one-more')).toThrow(/LOOKUP_TABLES_MANY|one more than the 64/);
  expect(sources.size).toBe(64);
  await tables.close();
});

it('lets tables share one bound: the one that goes beyond it stops, and the other goes on', async () => {
  const { tables, sources, rows } = await start(3_000);
  const [first, second] = [tables.table('a'), tables.table('b')];
  await first.caughtUp();
  await second.caughtUp();
  const row = rows.encode({ v: 'x'.repeat(700) });
  await sources.get('a')?.rows(['k', row]);
  await sources.get('b')?.rows(['k', row]);
  expect([first.usable, second.usable]).toEqual([true, true]);
  const full = await sources
    .get('b')
    ?.rows(['l', row])
    .catch((error: unknown) => error);
  expect(full).toMatchObject({ code: 'LOOKUP_TABLE_FULL' });
  if (full instanceof Error) sources.get('b')?.fail(full);
  await settle();
  expect([first.usable, second.usable]).toEqual([true, false]);
  expect(first.view(new AvroSchema(text)).row('k')).toEqual({ v: 'x'.repeat(700) });
  await sources.get('a')?.rows(['l', row]);
  expect(tables.status().map((one) => one.rows)).toEqual([2, 0]);
  await tables.close();
});
