import type { Settings } from '../config/index.ts';
import type { Log } from '../foundation/index.ts';
import { type LookupTables, type Pipeline, StoreUpkeep } from '../ingest/index.ts';
import type { CommandIo } from './command-io.ts';
import { FreshnessMeter } from './freshness-meter.ts';
import { createPipelines, createTables, upkeepSettings } from './pipeline-parts.ts';
import { type Base, openBase } from './process-base.ts';
import { TopicWatch } from './topic-watch.ts';

/** A process that reads its share of the topics into a graph that others share. It keeps no file of its own. */
export interface IngestComposition extends Base {
  readonly tables: LookupTables;
  readonly pipelines: readonly Pipeline[];
  readonly freshness: FreshnessMeter;
  readonly upkeep: StoreUpkeep;
  readonly watch: TopicWatch;
  close(): Promise<void>;
}

/** Wires the rooms for `jg ingest`. Opens connections; starts nothing. */
export async function composeIngest(settings: Settings, io: CommandIo, log: Log): Promise<IngestComposition> {
  await using cleanup = new AsyncDisposableStack();
  const base = await openBase(settings, io, log, cleanup);
  const { store, registry, mappings, events } = base;
  const { clock } = io;
  const tables = createTables(settings, registry, events, io, log);
  cleanup.defer(() => tables.close());
  const freshness = new FreshnessMeter(clock);
  const made = { settings, registry, mappings, tables, events, writes: store, freshness, io, log, cleanup };
  const pipelines = await createPipelines(made);
  const upkeep = new StoreUpkeep(
    { store, mappings, clock, log, sweeps: () => isSweeper(pipelines), isShared: true },
    upkeepSettings(settings),
  );
  const watch = new TopicWatch({ store, events, clock, log });
  const owned = cleanup.move();
  return { ...base, tables, pipelines, freshness, upkeep, watch, close: () => owned.disposeAsync() };
}

/** One of all processes: the one that Kafka has given the first partition of the first topic. Two of them for a moment do no harm. */
function isSweeper([first]: readonly Pipeline[]): boolean {
  const partitions = first?.status().partitions ?? [];
  return partitions.some(({ assigned, source }) => assigned && source.partition === 0);
}
