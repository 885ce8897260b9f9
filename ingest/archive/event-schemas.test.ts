import { expect, it } from 'vitest';
import { folderOfTest } from '../../archive/iceberg/iceberg-testing.ts';
import { systemClock } from '../../foundation/index.ts';
import { wireLimitsDefault } from '../../schemas/index.ts';
import { drawGrowing, openTestArchive, registryOf, schemaTexts } from './archive-testing.ts';
import { EventSchemas } from './event-schemas.ts';

const framed = (id: number): Uint8Array => {
  const value = Buffer.alloc(6);
  value.writeInt32BE(id, 1);
  return value;
};

it('Records that name more unknown schemas than are kept end their loading, and put no known schema out', async () => {
  const { topicTable: table, archived } = openTestArchive(folderOfTest());
  const known = registryOf(schemaTexts);
  let asked = 0;
  const registry = {
    ...known,
    schemaById: async (id: number) => {
      asked += 1;
      if (asked > 50) throw new Error('the registry is asked for ever');
      return await known.schemaById(id);
    },
  };
  const limits = { columnsMax: 100, wireLimits: wireLimitsDefault, schemasMax: 2, negativeMs: 60_000 };
  const schemas = new EventSchemas({ table, archived, registry, clock: systemClock }, limits);
  await table.load();
  const at = { timestampMs: 0, key: null, headers: null };
  const [first] = drawGrowing(1);
  const event = { ...at, offset: 0n, value: first?.record.value ?? null };
  const rubbish = [1, 2, 3, 4, 1].map((id, index) => ({
    ...at,
    offset: BigInt(index + 1),
    value: framed(1_000 + id),
  }));
  const records = [event, ...rubbish];
  await schemas.prepare(records, 'c1');
  expect(asked).toBe(5);
  expect(records.map((record) => schemas.read(record).event !== null)).toEqual([
    ...[true, false, false, false, false, false],
  ]);
});

it('asks again for a schema that was not to be had when the clock was set back', async () => {
  const { topicTable: table, archived } = openTestArchive(folderOfTest());
  let nowMs = 2e12;
  let texts: typeof schemaTexts = new Map();
  const registry = {
    ...registryOf(texts),
    schemaById: async (id: number) => await registryOf(texts).schemaById(id),
  };
  const limits = { columnsMax: 100, wireLimits: wireLimitsDefault, schemasMax: 2, negativeMs: 60_000 };
  const clock = { ...systemClock, now: () => nowMs };
  const schemas = new EventSchemas({ table, archived, registry, clock }, limits);
  await table.load();
  const [first] = drawGrowing(1);
  const value = first?.record.value ?? null;
  const record = { timestampMs: 0, key: null, headers: null, offset: 0n, value };
  await schemas.prepare([record], 'c1');
  expect(schemas.read(record).event).toBeNull();
  texts = schemaTexts;
  nowMs -= 3_600_000;
  await schemas.prepare([record], 'c1');
  expect(schemas.read(record).event).not.toBeNull();
});
