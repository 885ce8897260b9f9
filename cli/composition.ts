import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import { type Log, must } from '../foundation/index.ts';
import { type GraphStore, ObservedWrites } from '../graph-store/index.ts';
import {
  type BackfillDesk,
  type LetterDesk,
  type LookupTables,
  type Pipeline,
  ShadowGraphs,
  StoreUpkeep,
} from '../ingest/index.ts';
import {
  AudienceStore,
  Audiences,
  type GraphOperations,
  journalLimitsDefault,
  StepJournal,
} from '../query-api/index.ts';
import type { CommandIo } from './command-io.ts';
import { makeDataFolder } from './data-folder.ts';
import type { EmbeddedEvents } from './embedded-events.ts';
import { FreshnessMeter } from './freshness-meter.ts';
import { graphOperations } from './graph-operations.ts';
import { openShadow } from './graph-store-in-use.ts';
import { type Live, openLive } from './live.ts';
import {
  createPipelines,
  createTables,
  openBackfills,
  openDeadLetters,
  upkeepSettings,
} from './pipeline-parts.ts';
import { type Base, openBase } from './process-base.ts';
import { TopicWatch } from './topic-watch.ts';

/** Everything of the one process that does all of it, wired and not yet running. */
export interface Composition extends Base {
  /** Of the steps that its pipelines apply. */
  readonly journal: StepJournal;
  readonly audiences: Audiences;
  readonly live: Live;
  /** Those in which mappings look rows up. */
  readonly tables: LookupTables;
  readonly pipelines: readonly Pipeline[];
  readonly freshness: FreshnessMeter;
  readonly upkeep: StoreUpkeep;
  readonly watch: TopicWatch;
  readonly deadLetters: LetterDesk;
  readonly backfills: BackfillDesk;
  /** The graphs of the data folder; null where the graph is in a database server. */
  readonly graphs: GraphOperations | null;
  /** Releases files, threads and connections; the pipelines have ended before. */
  close(): Promise<void>;
}

/** Wires the rooms for `jg up`. Opens files and connections; starts nothing. */
export async function compose(settings: Settings, io: CommandIo, log: Log): Promise<Composition> {
  await makeDataFolder(settings.data);
  await using cleanup = new AsyncDisposableStack();
  const base = await openBase(settings, io, log, cleanup);
  const { store, embeddedStore, registry, mappings, events } = base;
  const audiences = await openAudiences(settings, store, io, log);
  cleanup.defer(() => audiences.close());
  const tables = createTables(settings, registry, events, io, log);
  cleanup.defer(() => tables.close());
  const journal = createJournal(settings, embeddedStore !== null, io);
  const broadcasts = events.broadcasts(log);
  cleanup.defer(() => broadcasts.close());
  const live = await openLive(
    settings,
    {
      ...{ store, audiences, broadcasts },
      subscriptions: events.subscriptions(log),
      graphSchema: () => mappings.graphSchema(),
      seesAllWrites: embeddedStore !== null,
    },
    io,
    log,
  );
  cleanup.defer(() => live.close());
  const writes = live.watched(new ObservedWrites(store, journal));
  const freshness = new FreshnessMeter(io.clock);
  const made = { settings, registry, mappings, tables, events, writes, io, log, cleanup };
  const pipelines = await createPipelines({ ...made, freshness });
  const deadLetters = await openDeadLetters(made, store);
  const shadows =
    embeddedStore === null
      ? null
      : new ShadowGraphs((name) => openShadow(settings, name, embeddedStore.timeToLive(), io));
  const backfills = openBackfills({ ...made, freshness }, { store, embeddedStore, shadows, pipelines });
  const graphs =
    embeddedStore === null || shadows === null
      ? null
      : graphOperations(
          settings,
          { inForce: embeddedStore, shadows, pipelines, journal, switched: () => live.graphSwitched() },
          io,
        );
  const upkeep = new StoreUpkeep(
    { store, mappings, clock: io.clock, log, isShared: embeddedStore === null },
    upkeepSettings(settings),
  );
  const watch = new TopicWatch({ store, events, clock: io.clock, log });
  const owned = cleanup.move();
  return {
    ...base,
    ...{
      journal,
      audiences,
      live,
      tables,
      freshness,
      pipelines,
      deadLetters,
      backfills,
      graphs,
      upkeep,
      watch,
    },
    close: () => owned.disposeAsync(),
  };
}

/** Complete where no other process writes the store. */
function createJournal(settings: Settings, complete: boolean, io: CommandIo): StepJournal {
  return new StepJournal(
    { clock: io.clock, epoch: epochOf(io), complete },
    { ...journalLimitsDefault, graceMs: settings['subscription.grace.ms'] },
  );
}

/** 64 bits: no two lives of any process have the same one. */
function epochOf({ random }: CommandIo): bigint {
  const word = (): bigint => BigInt(Math.floor(random() * 2 ** 32));
  return (word() << 32n) | word();
}

export async function openAudiences(
  settings: Settings,
  graph: Pick<GraphStore, 'sources'>,
  io: CommandIo,
  log: Log,
): Promise<Audiences> {
  const limits = { countMax: settings['audience.count.max'], bytesMax: settings['audience.bytes.max'] };
  const store = await AudienceStore.open(join(settings.data, 'audiences'), limits);
  return new Audiences({
    store,
    sources: () => graph.sources(),
    clock: io.clock,
    log,
    newId: io.newId,
    membersMax: settings['audience.members.max'],
  });
}

/** The embedded side of a composition that was made without brokers. */
export function embeddedOf(composition: Composition): EmbeddedEvents {
  return must(composition.embedded, 'the demo plays into the embedded log');
}
