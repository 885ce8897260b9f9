import { beforeEach, describe, expect, it } from 'vitest';
import { must, OutageError, silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore, type GraphStore } from '../graph-store/index.ts';
import { BundledRegistry, EventEncoder } from '../schemas/index.ts';
import { AvroRecordProcessor, avroRecordProcessorDefaults } from './avro-record-processor.ts';
import type { DeadLetter } from './dead-letters.ts';
import type { SourceRecord } from './event-source.ts';
import { LookupTables, lookupTablesDefault } from './lookup-tables.ts';
import { HandClock, HandTableSource, settle, tableSource } from './lookup-testing.ts';
import { MappingsInForce } from './mappings-in-force.ts';
import { Pipeline } from './pipeline.ts';
import { HandSource, limits, partsWith, source, zeroFates } from './pipeline-testing.ts';

const titleText = JSON.stringify({
  type: 'record',
  name: 'Title',
  fields: [{ name: 'name', type: 'string' }],
});

function viewText(graph: object, version = 1): string {
  const fields = [
    { name: 'at', type: 'long' },
    { name: 'id', type: 'string' },
    { name: 'title', type: 'string' },
  ];
  return JSON.stringify({
    type: 'record',
    name: 'View',
    doc: `${version}`,
    fields,
    graph: { domain: 'd', time: 'at', ...graph },
  });
}

const lookup = { as: 'row', topic: tableSource.topic, key: 'title' };
const nodes = [{ type: 'View', id: 'id', properties: { title: 'title', name: 'row.name' } }];
const waiting = (then: string): object => ({
  lookups: [{ ...lookup, missing: { waitMs: 5_000, then } }],
  nodes,
});

let clock: HandClock;
let store: GraphStore;
let letters: DeadLetter[];
beforeEach(() => {
  clock = new HandClock();
  store = createMemoryStore(systemClock);
  letters = [];
});

async function encoder(registry: BundledRegistry, topic: string, text: string): Promise<EventEncoder> {
  return new EventEncoder((await registry.register(`${topic}-value`, text)).schema.id, text);
}

/** A process with one pipeline, whose table is read when the test says so. */
async function start(graph: object, bytesMax = lookupTablesDefault.bytesMax) {
  const registry = BundledRegistry.of([]);
  const rows = await encoder(registry, tableSource.topic, titleText);
  const events = await encoder(registry, 'views', viewText(graph));
  const table = new HandTableSource();
  const tables = new LookupTables(
    { source: () => table, registry, clock, log: silentLog },
    { ...lookupTablesDefault, bytesMax },
  );
  const mappings = new MappingsInForce({ registry, clock, random: () => 0.5, log: silentLog });
  const processor = await AvroRecordProcessor.create(
    { registry, mappings, tables, clock },
    avroRecordProcessorDefaults,
  );
  const hand = new HandSource();
  const deadLetters = {
    write: async (given: readonly DeadLetter[]) => void letters.push(...given),
    close: async () => undefined,
  };
  const pipeline = new Pipeline(partsWith({ source: hand, processor, deadLetters, store, clock }), {
    ...limits,
    batchEventsMax: 1_000,
    batchBytesMax: 2 ** 20,
    inFlightBytesMax: 2 ** 20,
  });
  const ending = new AbortController();
  /** With what it ends; null when nothing is wrong. */
  const ended = pipeline.run(ending.signal).then(
    () => null,
    (error: unknown) => error,
  );
  await hand.handler.assigned(source);
  const record = (
    id: number,
    title: string,
    { ageMs = 0, offset = id, at = 1_000 + id }: { ageMs?: number; offset?: number; at?: number } = {},
  ): SourceRecord => ({
    offset: BigInt(offset),
    timestampMs: clock.now() - ageMs,
    key: null,
    value: events.encode({ at, id: `v${id}`, title }),
    headers: null,
  });
  /** Resolves when the pipeline has taken the batch. */
  const send = (...records: readonly SourceRecord[]): Promise<void> => {
    const from = must(records[0], 'records are sent').offset;
    const next = must(records.at(-1), 'records are sent').offset + 1n;
    return hand.handler.batch({ source, records, from, next, end: next });
  };
  /** The table, empty and read. */
  const openTable = async (): Promise<void> => {
    await settle();
    await table.handler.assigned(tableSource);
  };
  return {
    registry,
    tables,
    table,
    rows,
    mappings,
    pipeline,
    hand,
    ended,
    record,
    send,
    openTable,
  };
}

/** The registry answers nothing from here on. */
function silence(registry: BundledRegistry): void {
  const silent = async (): Promise<never> => {
    throw new OutageError('REGISTRY_UNAVAILABLE', 'The registry does not answer.');
  };
  registry.latest = silent;
  registry.versions = silent;
  registry.schemaById = silent;
}

async function nameOf(id: number): Promise<unknown> {
  const node = await store.node({ type: 'View', id: `v${id}` });
  if (node === null) return 'no node';
  return node.properties.find(({ name }) => name === 'name')?.value ?? 'no name';
}

describe('a pipeline whose mapping looks rows up', () => {
  it('processes nothing until its table has been read to the end that it had, and says so', async () => {
    const { table, rows, pipeline, record, send } = await start({ lookups: [lookup], nodes });
    table.reaches(2n);
    const sent = send(record(1, 'a'));
    await settle();
    await table.handler.assigned(tableSource);
    await table.rows(['b', rows.encode({ name: 'B' })]);
    await clock.advance(2_000);
    expect(pipeline.status().state).toMatchObject({
      kind: 'paused',
      why: expect.stringContaining('1 rows so far'),
    });
    expect(await nameOf(1)).toBe('no node');
    await table.rows(['a', rows.encode({ name: 'A' })]);
    await clock.advance(1_000);
    await sent;
    expect(await nameOf(1)).toBe('A');
  });

  it('applies an event without its row, leaving out what only the row says', async () => {
    const { tables, openTable, record, send } = await start({ lookups: [lookup], nodes });
    const sent = send(record(1, 'a'), record(2, 'a'));
    await openTable();
    await sent;
    await settle();
    expect([await nameOf(1), await nameOf(2)]).toEqual(['no name', 'no name']);
    expect(tables.status()).toMatchObject([{ missing: 2, waits: 0 }]);
  });

  it('does not take away a name that an earlier event had of the row', async () => {
    const { table, rows, openTable, record, send } = await start({ lookups: [lookup], nodes });
    const first = send(record(1, 'a', { offset: 0 }));
    await openTable();
    await first;
    await table.rows(['a', rows.encode({ name: 'A' })]);
    await send(record(1, 'a', { offset: 1, at: 2_000 }));
    await table.rows(['a', null]);
    await send(record(1, 'a', { offset: 2, at: 3_000 }));
    await settle();
    expect(await nameOf(1)).toBe('A');
  });

  it('waits for a row, and applies meanwhile what came before', async () => {
    const { table, tables, rows, openTable, record, send, pipeline } = await start(waiting('apply'));
    const first = send(record(0, 'b', { ageMs: 60_000 }));
    await openTable();
    await first;
    await table.rows(['b', rows.encode({ name: 'B' })]);
    const sent = send(record(1, 'b'), record(2, 'a'), record(3, 'b'));
    await settle();
    expect([await nameOf(1), await nameOf(2), await nameOf(3)]).toEqual(['B', 'no node', 'no node']);
    expect(pipeline.status().partitions).toMatchObject([{ position: 2n }]);
    await table.rows(['x', rows.encode({ name: 'X' })]);
    expect(await nameOf(2)).toBe('no node');
    await table.rows(['a', rows.encode({ name: 'A' })]);
    await sent;
    await settle();
    expect([await nameOf(2), await nameOf(3)]).toEqual(['A', 'B']);
    expect(tables.status()).toMatchObject([{ missing: 1, waits: 1 }]);
    expect(pipeline.status().fatesSinceStart).toEqual({ ...zeroFates, consumed: 4, applied: 4 });
  });

  it.each<[string, string, unknown]>([
    ['applies it without', 'apply', 'no name'],
    ['has it go to the dead letters', 'deadLetter', 'no node'],
  ])('%s when the wait is over', async (_what, then, name) => {
    const { openTable, record, send, pipeline } = await start(waiting(then));
    const sent = send(record(1, 'a'));
    await openTable();
    await clock.advance(4_999);
    expect(await nameOf(1)).toBe('no node');
    await clock.advance(1);
    await sent;
    await settle();
    expect(await nameOf(1)).toBe(name);
    const codes = letters.map(({ stage, error }) => [stage, error.code, error.context.path]);
    expect(codes).toEqual(then === 'deadLetter' ? [['map', 'LOOKUP_ROW_MISSING', 'graph.lookups[0]']] : []);
    expect(pipeline.status().partitions).toMatchObject([{ position: 2n }]);
  });

  it('counts a wait from when the record was written, so that a backlog of misses waits once and not each', async () => {
    const { tables, openTable, record, send } = await start(waiting('apply'));
    const records = Array.from({ length: 500 }, (_, index) => record(index, `missing-${index}`));
    const first = send(...records.slice(0, 250));
    await openTable();
    await clock.advance(5_000);
    await first;
    // Fetched only now, and written when the others were: nothing is to be waited for.
    await send(...records.slice(250));
    await settle();
    expect([await nameOf(0), await nameOf(499)]).toEqual(['no name', 'no name']);
    expect(tables.status()[0]).toMatchObject({ missing: 500, waits: 1 });
  });

  it('waits no longer for a row than its mapping says, though the clock is set back meanwhile', async () => {
    const { openTable, record, send } = await start(waiting('apply'));
    const sent = send(record(1, 'a'));
    await openTable();
    await clock.advance(1_000);
    clock.setBack(600_000);
    await clock.advance(4_000);
    // Since when it is waited for nobody knows any more: once more from now on.
    expect(await nameOf(1)).toBe('no node');
    await clock.advance(5_000);
    await sent;
    await settle();
    expect(await nameOf(1)).toBe('no name');
  });

  it('pauses while its table cannot be read, and decides about no event without it', async () => {
    const { table, rows, openTable, record, send, pipeline } = await start({ lookups: [lookup], nodes });
    const first = send(record(1, 'a'));
    await openTable();
    await first;
    table.handler.outage(new OutageError('KAFKA_UNAVAILABLE', 'No broker answers.'));
    const sent = send(record(2, 'b'));
    await settle();
    expect(pipeline.status().state).toMatchObject({
      kind: 'paused',
      why: expect.stringContaining('The table titles.catalog cannot be read: No broker answers.'),
    });
    table.handler.outage(null);
    await table.rows(['b', rows.encode({ name: 'B' })]);
    await clock.advance(1_000);
    await sent;
    await settle();
    expect(await nameOf(2)).toBe('B');
  });

  it('decides about no event after an outage before its table has what came meanwhile', async () => {
    const { table, rows, openTable, record, send } = await start({ lookups: [lookup], nodes });
    const first = send(record(1, 'a'));
    await openTable();
    await first;
    table.handler.outage(new OutageError('KAFKA_UNAVAILABLE', 'No broker answers.'));
    table.reaches(1n);
    table.handler.outage(null);
    const sent = send(record(2, 'b'));
    await settle();
    expect(await nameOf(2)).toBe('no node');
    await table.rows(['b', rows.encode({ name: 'B' })]);
    await sent;
    await settle();
    expect(await nameOf(2)).toBe('B');
  });

  it('goes on after an outage of its table while the registry is still away', async () => {
    const { registry, table, openTable, record, send, pipeline } = await start({ lookups: [lookup], nodes });
    const first = send(record(1, 'a'));
    await openTable();
    await first;
    silence(registry);
    table.handler.outage(new OutageError('KAFKA_UNAVAILABLE', 'No broker answers.'));
    table.handler.outage(null);
    void send(record(2, 'a'));
    await settle();
    expect([await nameOf(2), pipeline.status().state]).toEqual(['no name', { kind: 'running' }]);
  });

  it.each([
    ['has no timestamp', (): number => -1],
    ['says that it was written next year', (): number => clock.now() + 31_536_000_000],
  ])('waits from when it was fetched for the row of a record that %s', async (_what, timestampMs) => {
    const { openTable, record, send } = await start(waiting('apply'));
    const sent = send({ ...record(1, 'a'), timestampMs: timestampMs() });
    await openTable();
    await clock.advance(4_999);
    expect(await nameOf(1)).toBe('no node');
    await clock.advance(1);
    await sent;
    await settle();
    expect(await nameOf(1)).toBe('no name');
  });

  it('waits no longer for a partition that is not its own any more', async () => {
    const { hand, openTable, record, send } = await start(waiting('apply'));
    const sent = send(record(1, 'a'));
    await openTable();
    hand.handler.revoked(source);
    await sent;
    expect([await nameOf(1), clock.sleeping]).toEqual(['no node', 0]);
  });

  it('stops by name when the table does not fit', async () => {
    const { table, rows, ended, record, send } = await start({ lookups: [lookup], nodes }, 2_000);
    table.reaches(9n);
    const sent = send(record(1, 'a')).catch((error: unknown) => error);
    await settle();
    await table.handler.assigned(tableSource);
    const row = rows.encode({ name: 'x'.repeat(900) });
    const full = await table.rows(['a', row], ['b', row]).catch((error: unknown) => error);
    if (full instanceof Error) table.fail(full);
    await settle();
    expect(await sent).toMatchObject({ code: 'LOOKUP_TABLE_FULL' });
    expect(await ended).toMatchObject({
      code: 'LOOKUP_TABLE_FULL',
      message: expect.stringContaining('titles.catalog'),
    });
  });

  it('waits for the table of a mapping that comes while it runs', async () => {
    const { registry, mappings, table, rows, openTable, record, send } = await start({
      nodes: [{ type: 'View', id: 'id', properties: { title: 'title' } }],
    });
    await send(record(0, 'a'));
    expect(table.isRead).toBe(false);
    await registry.register('views-value', viewText({ lookups: [lookup], nodes }, 2));
    await mappings.poll();
    table.reaches(1n);
    const sent = send(record(1, 'a'));
    await openTable();
    expect(await nameOf(1)).toBe('no node');
    await table.rows(['a', rows.encode({ name: 'A' })]);
    await sent;
    await settle();
    expect(await nameOf(1)).toBe('A');
  });
});

it('a pipeline asks no registry for a mapping that came while it ran', async () => {
  const { registry, mappings, openTable, record, send } = await start({
    nodes: [{ type: 'View', id: 'id', properties: { title: 'title' } }],
  });
  await send(record(0, 'a'));
  await registry.register('views-value', viewText({ lookups: [lookup], nodes }, 2));
  await mappings.poll();
  silence(registry);
  void send(record(1, 'a'));
  await openTable();
  expect(await nameOf(1)).toBe('no name');
});

describe('a mapping whose table nobody has registered', () => {
  it('raises an alarm, and is in force once the rows have a schema', async () => {
    const { registry, mappings } = await start({ nodes: [{ type: 'View', id: 'id' }] });
    await mappings.of('views-value');
    const other = { ...lookup, topic: 'people' };
    await registry.register('views-value', viewText({ lookups: [other], nodes }, 2));
    await mappings.poll();
    expect(mappings.status()).toMatchObject([
      { inForce: { version: 1 }, alarm: { version: 2, problems: [{ path: 'graph.lookups[0].topic' }] } },
    ]);
    await registry.register('people-value', titleText.replace('Title', 'Person'));
    await mappings.poll();
    expect(mappings.status()).toMatchObject([{ inForce: { version: 2 }, alarm: null }]);
  });
});
