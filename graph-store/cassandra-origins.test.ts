import { expect, it } from 'vitest';
import type { CassandraRow } from './cassandra-connection.ts';
import { CassandraOrigins } from './cassandra-origins.ts';

const source = { cluster: 'c', topic: 'plays', topicId: 'i', partition: 0 };
const origin = { schemaId: 7, subject: 'plays-value', version: 1 };
const text = (schemaId: number): string =>
  JSON.stringify({
    cluster: 'c',
    topic: 'plays',
    topicId: 'i',
    schemaId,
    subject: 'plays-value',
    version: 1,
  });

/** A table of origins; `isTaken` says of a number that somebody else had it first. */
function tableWith(rows: CassandraRow[], isTaken: (id: unknown) => boolean) {
  const asked: unknown[] = [];
  return {
    asked,
    table: (name: string) => name,
    rows: async () => rows,
    conditionally: async (_query: string, [id, origin]: readonly unknown[]) => {
      asked.push(id);
      if (isTaken(id) || rows.some(([known]) => known === id)) return false;
      rows.push([id, origin]);
      return true;
    },
  };
}

it('An origin is numbered behind the greatest number, also where one was left out', async () => {
  const origins = new CassandraOrigins(
    tableWith(
      [
        [1, text(1)],
        [3, text(3)],
      ],
      () => false,
    ),
  );
  await origins.load();
  expect(await origins.idOf(source, origin)).toBe(4);
  expect(await origins.idOf(source, origin)).toBe(4);
});

it('An origin that another process numbered meanwhile keeps the number it got there', async () => {
  const rows: CassandraRow[] = [];
  const table = tableWith(rows, (id) => {
    if (id === 1 && rows.length === 0) rows.push([1, text(7)]);
    return false;
  });
  expect(await new CassandraOrigins(table).idOf(source, origin)).toBe(1);
  expect(table.asked).toEqual([1]);
});

it('Numbering ends as an outage where numbers are taken by what cannot be read', async () => {
  const table = tableWith([], () => true);
  const numbered = new CassandraOrigins(table).idOf(source, origin);
  await expect(numbered).rejects.toMatchObject({ code: 'STORE_WRITE_FAILED', reaction: 'outage' });
  expect(table.asked).toHaveLength(20);
});
