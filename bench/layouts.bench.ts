import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { type SettingName, settingSpecs } from '../config/index.ts';
import type { BenchContext, Benchmark, Figures } from './benchmark.ts';
import { EventRows, type EventShape, type Row } from './layouts/event-rows.ts';

interface Layout {
  readonly shape: EventShape;
  readonly order: 'arrival' | 'key';
  readonly groupEvents: number;
  readonly writeBufferMiB: number;
}

/** As the product has it. */
function defaultOf(name: SettingName): number {
  const spec = settingSpecs.get(name);
  if (spec?.kind !== 'number') throw new Error(`the setting ${name} is no number`);
  return spec.default;
}

const today = { names: 'whole', reverse: 'values', owner: 'apart' } as const satisfies EventShape;
const wide = {
  order: 'key',
  groupEvents: defaultOf('store.window.events.max'),
  writeBufferMiB: defaultOf('store.write.buffer.bytes') / 2 ** 20,
} as const;

/** The first is what the store did before, the second what it does; each of the others changes one thing of the second. */
const layouts: Readonly<Record<string, Layout>> = {
  before: { shape: today, order: 'arrival', groupEvents: 2_500, writeBufferMiB: 16 },
  now: { shape: today, ...wide },
  'arrival-order': { shape: today, ...wide, order: 'arrival' },
  'small-groups': { shape: today, ...wide, groupEvents: 2_500 },
  'small-memory-table': { shape: today, ...wide, writeBufferMiB: 16 },
  'short-names': { shape: { ...today, names: 'short' }, ...wide },
  'links-apart': { shape: { ...today, reverse: 'links' }, ...wide },
  'one-row-an-owner': { shape: { ...today, owner: 'together' }, ...wide },
};

interface Cost {
  readonly cpuMicros: number;
  readonly rows: number;
  readonly bytes: number;
}

function* groupsOf(layout: Layout, events: number, seed: number): Generator<Row[]> {
  const source = new EventRows(layout.shape, seed);
  const startMs = Date.now() - events;
  for (let sent = 0; sent < events; sent += layout.groupEvents) {
    const rows: Row[] = [];
    for (let i = sent; i < Math.min(events, sent + layout.groupEvents); i += 1)
      rows.push(...source.next(startMs));
    if (layout.order === 'key') rows.sort(([a], [b]) => a.compare(b));
    yield rows;
  }
}

/** CPU of all threads for an event, making and sorting the rows left out: what LevelDB costs, its merging in the background included. */
async function costOf(layout: Layout, events: number, seed: number, folder: string): Promise<Cost> {
  const made = process.cpuUsage();
  let rows = 0;
  let bytes = 0;
  for (const group of groupsOf(layout, events, seed)) {
    rows += group.length;
    for (const [key, value] of group) bytes += key.length + value.length;
  }
  const making = process.cpuUsage(made);
  const db = new ClassicLevel<Buffer, Buffer>(folder, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    writeBufferSize: layout.writeBufferMiB * 2 ** 20,
    maxFileSize: defaultOf('store.table.bytes.max'),
    cacheSize: defaultOf('store.block.cache.bytes'),
  });
  await db.open();
  const started = process.cpuUsage();
  let writing: Promise<void> = Promise.resolve();
  for (const group of groupsOf(layout, events, seed)) {
    const batch = db.batch();
    for (const [key, value] of group) batch.put(key, value);
    await writing;
    writing = batch.write({ sync: true });
  }
  await writing;
  const spent = process.cpuUsage(started);
  await db.close();
  const micros = spent.user + spent.system - making.user - making.system;
  return { cpuMicros: micros / events, rows: rows / events, bytes: bytes / events };
}

async function run(context: BenchContext): Promise<Figures> {
  const events = context.events ?? (context.quick ? 50_000 : 500_000);
  const figures: Record<string, Figures[string]> = {};
  for (const [name, layout] of Object.entries(layouts)) {
    const { cpuMicros, rows, bytes } = await costOf(
      layout,
      events,
      context.seed,
      join(context.tempDir, name),
    );
    context.log(
      `${name}: ${cpuMicros.toFixed(1)} µs of CPU, ${rows} rows, ${Math.round(bytes)} bytes an event`,
    );
    figures[`${name}.cpuMicroseconds`] = { value: cpuMicros, unit: 'µs an event' };
    figures[`${name}.rows`] = { value: rows, unit: 'rows an event' };
    figures[`${name}.bytes`] = { value: bytes, unit: 'bytes an event' };
  }
  return figures;
}

const layoutsBenchmark: Benchmark = {
  name: 'layouts',
  description:
    'What LevelDB costs for an event in several layouts of its rows: the ground on which the layout of the embedded store was chosen.',
  notMeasured: [
    'reads, which a layout with fewer rows can make dearer: one row for an owner makes a hop by edge type read all of the owner’s steps',
    'decoding, merging and the building of rows',
    'a store that has grown: merging in the background costs more with each level',
    'stretches of event time (decision 18): one holds some four million events, more than are written here; growth measures them',
  ],
  run,
};

export default layoutsBenchmark;
