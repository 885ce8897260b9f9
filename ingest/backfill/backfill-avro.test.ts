import { expect, it } from 'vitest';
import { benchSchema, benchTopic, PlaybackEvents } from '../../bench/ingest/playback-events.ts';
import { silentLog, systemClock } from '../../foundation/index.ts';
import { createMemoryStore } from '../../graph-store/index.ts';
import { BundledRegistry, EventEncoder, loadCatalog } from '../../schemas/index.ts';
import { AvroRecordProcessor } from '../avro-record-processor.ts';
import { MappingsInForce } from '../mappings-in-force.ts';
import { Pipeline } from '../pipeline.ts';
import { HandSource, turns } from '../pipeline-testing.ts';
import { backfillOf, pipelineLimits, plan } from './backfill-testing.ts';
import { MemoryArchive } from './memory-archive.fake.ts';

it('Archived Avro events of the catalog leave the graph that the same events leave live', async () => {
  const registry = BundledRegistry.of(await loadCatalog());
  const parts = { clock: systemClock, random: () => 0.5, log: silentLog };
  const mappings = new MappingsInForce({ registry, ...parts });
  const processor = await AvroRecordProcessor.create({
    registry,
    mappings,
    tables: null,
    clock: systemClock,
  });
  const schema = await benchSchema();
  const events = new PlaybackEvents(new EventEncoder(schema.id, schema.text), 7);
  const rows = Array.from({ length: 200 }, (_, i) => {
    const { key, value, timeMs } = events.next(1_700_000_000_000 + i);
    return { offset: BigInt(i), timestampMs: timeMs, schemaId: schema.id, key, value, headers: [] };
  });

  const live = createMemoryStore(systemClock);
  const source = new HandSource();
  const deadLetters = { write: async () => undefined, close: async () => undefined };
  const pipeline = new Pipeline(
    { source, processor, deadLetters, store: live, ...parts, freshness: null },
    pipelineLimits,
  );
  const ended = pipeline.run(new AbortController().signal);
  const partition = { cluster: 'c', topic: benchTopic, topicId: 'live', partition: 0 };
  await source.handler.assigned(partition);
  await source.handler.batch({ source: partition, records: rows, from: 0n, next: 200n, end: 200n });
  await turns();
  source.finish();
  await ended;

  const archive = new MemoryArchive([
    { key: 'a', partition: 0, rows: rows.slice(0, 120) },
    { key: 'b', partition: 0, rows: rows.slice(100) },
  ]);
  const frozen = await plan(archive, { topic: benchTopic });
  const store = createMemoryStore(systemClock);
  const { run, letters } = backfillOf(store, frozen, archive, { processor });
  await run.run(new AbortController().signal);
  expect(letters).toEqual([]);
  expect(run.progress()).toMatchObject({ state: 'done', duplicates: 20, fates: { applied: 200 } });
  expect((await store.digest()).hex).toBe((await live.digest()).hex);
});
