import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openExport } from '../cli/export-table.ts';
import { must, systemClock } from '../foundation/index.ts';
import {
  type CompareVerdict,
  createMutationBatch,
  type EmbeddedStore,
  type GraphTable,
  openLevelStore,
} from '../graph-store/index.ts';
import type { TableFormat } from '../query-api/index.ts';
import type { GraphSchema } from '../schemas/index.ts';
import { fillMembers } from './audience/member-graph.ts';
import type { BenchContext, Benchmark, Figures } from './benchmark.ts';

/** How fine the event loop's delay is measured. */
const resolutionMs = 2;
const edgesOfMember = 3;
const declared = { declaredBy: [], many: false, fold: 'last' } as const;
const schema: GraphSchema = {
  nodeTypes: [
    {
      ...{ name: 'Account', idKind: 'text', ttlMs: null, declaredBy: [] },
      properties: [
        { ...declared, name: 'country', kind: 'text' },
        { ...declared, name: 'unsubscribed', kind: 'boolean' },
      ],
    },
  ],
  edgeTypes: [
    {
      ...{ name: 'WATCHED', ends: [], keyed: false, ttlMs: null, declaredBy: [] },
      properties: [{ ...declared, name: 'seconds', kind: 'integer' }],
    },
  ],
  domains: [],
};

async function run(context: BenchContext): Promise<Figures> {
  const { quick, events, seed, tempDir, log } = context;
  const members = events ?? (quick ? 25_000 : 1_250_000);
  const folder = join(tempDir, 'live');
  const other = join(tempDir, 'other');
  await fillMembers(folder, members, seed, Date.now(), log);
  await cp(folder, other, { recursive: true });
  await changeOne(other);
  const store = await openLevelStore({ folder }, systemClock);
  try {
    const figures: Record<string, Figures[string]> = { members: { value: members, unit: 'members' } };
    const tables: readonly (readonly [GraphTable, number])[] = [
      [{ kind: 'nodes', type: 'Account' }, members],
      [{ kind: 'edges', type: 'WATCHED' }, edgesOfMember * members],
    ];
    for (const [table, rows] of tables)
      for (const format of ['arrow', 'parquet'] as const)
        Object.assign(figures, await timeExport(context, store, table, format, rows));
    return { ...figures, ...(await timeComparison(context, store, other)) };
  } finally {
    await store.close();
  }
}

/** One property of one member, by a later event. */
async function changeOne(folder: string): Promise<void> {
  const store = await openLevelStore({ folder }, systemClock);
  const { source } = must((await store.sources())[0], 'a partition was applied');
  const { epoch, next } = await store.claim(source);
  const from = next ?? 0n;
  const batch = createMutationBatch();
  const node = { type: 'Account', id: 'acc-00012345' };
  const mutations = [{ kind: 'node' as const, node, properties: [['country', 'XX'] as const] }];
  batch.add({ timeMs: Date.now(), rank: 0, occurrence: from, mutations });
  const fates = { consumed: 1, applied: 1, superseded: 0, filtered: 0, deadLettered: 0 };
  await store.apply({ source, epoch, from, next: from + 1n, fates, newestEventMs: 0 }, batch);
  await store.close();
}

async function timeExport(
  { measure, log }: BenchContext,
  store: EmbeddedStore,
  table: GraphTable,
  format: TableFormat,
  rows: number,
): Promise<Figures> {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  const { result, elapsedMs, cpuMs, peakRssMiB } = await measure(async () => {
    delay.enable();
    await using file = await openExport(store, { table, format, undeclared: false }, schema, systemClock);
    let bytes = 0;
    for await (const part of file.bytes()) bytes += part.length;
    delay.disable();
    return bytes;
  });
  log(`${table.kind} as ${format}: ${result} bytes in ${Math.round(elapsedMs)} ms`);
  const name = `export.${table.kind}.${format}`;
  return {
    [`${name}.rowsPerSecond`]: { value: rows / (elapsedMs / 1000), unit: 'rows/s' },
    [`${name}.cpuUsPerRow`]: { value: (1000 * cpuMs) / rows, unit: 'µs' },
    [`${name}.bytesPerRow`]: { value: result / rows, unit: 'bytes' },
    [`${name}.stallMaxMs`]: { value: delay.max / 1e6 - resolutionMs, unit: 'ms' },
    [`${name}.peakRss`]: { value: peakRssMiB, unit: 'MiB' },
  };
}

async function timeComparison(
  { measure }: BenchContext,
  store: EmbeddedStore,
  other: string,
): Promise<Figures> {
  const { result, elapsedMs, cpuMs, peakRssMiB } = await measure(async () => {
    let verdict: CompareVerdict | null = null;
    for await (const event of store.compare(other, 100))
      if (event.kind === 'verdict') verdict = event.verdict;
    return must<CompareVerdict>(verdict, 'a comparison ends with its verdict');
  });
  if (result.differences !== 1)
    throw new Error(`${result.differences} differences were found instead of one`);
  const rows = result.live.rows + result.other.rows;
  return {
    'compare.rows': { value: rows, unit: 'rows' },
    'compare.rowsPerSecond': { value: rows / (elapsedMs / 1000), unit: 'rows/s' },
    'compare.cpuUsPerRow': { value: (1000 * cpuMs) / rows, unit: 'µs' },
    'compare.rowsComparedOneByOne': { value: result.rowsCompared, unit: 'rows' },
    'compare.peakRss': { value: peakRssMiB, unit: 'MiB' },
  };
}

const graph: Benchmark = {
  name: 'graph',
  description:
    'A graph as tables for notebooks, and compared with another one that says one thing otherwise.',
  notMeasured: [
    'HTTP: what is sent is taken in the process',
    'a cold disk: the files are in the page cache of the system',
    'either of them while events are written or questions asked',
  ],
  run,
};

export default graph;
