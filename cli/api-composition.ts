import type { Settings } from '../config/index.ts';
import type { Log } from '../foundation/index.ts';
import { type LetterDesk, StoreUpkeep } from '../ingest/index.ts';
import type { Audiences } from '../query-api/index.ts';
import type { CommandIo } from './command-io.ts';
import { openAudiences } from './composition.ts';
import { makeDataFolder } from './data-folder.ts';
import { type Live, openLive } from './live.ts';
import { createTables, openDeadLetters, upkeepSettings } from './pipeline-parts.ts';
import { type Base, openBase } from './process-base.ts';
import { TopicWatch } from './topic-watch.ts';

/** What lies in a data folder, and so in one process of all that share a graph. */
export interface Keeping {
  readonly audiences: Audiences;
  readonly live: Live;
  readonly deadLetters: LetterDesk;
}

/** A process that answers questions about a graph that others write. */
export interface ApiComposition extends Base {
  /** Null where another process keeps it. */
  readonly keeping: Keeping | null;
  readonly upkeep: StoreUpkeep;
  readonly watch: TopicWatch;
  close(): Promise<void>;
}

/** Wires the rooms for `jg api`. Opens connections, and with `keeps` the data folder; starts nothing. */
export async function composeApi(
  settings: Settings,
  keeps: boolean,
  io: CommandIo,
  log: Log,
): Promise<ApiComposition> {
  await using cleanup = new AsyncDisposableStack();
  if (keeps) await makeDataFolder(settings.data);
  const base = await openBase(settings, io, log, cleanup);
  const { store, mappings, events } = base;
  const { clock } = io;
  const keeping = keeps ? await openKeeping({ ...base, settings, io, log, cleanup }) : null;
  // Its reads go by the times to live of its own mappings; what they hide, one of those who ingest removes.
  const upkeep = new StoreUpkeep(
    { store, mappings, clock, log, sweeps: () => false, isShared: true },
    upkeepSettings(settings),
  );
  const watch = new TopicWatch({ store, events, clock, log });
  const owned = cleanup.move();
  return { ...base, keeping, upkeep, watch, close: () => owned.disposeAsync() };
}

interface Opening extends Base {
  readonly settings: Settings;
  readonly io: CommandIo;
  readonly log: Log;
  readonly cleanup: AsyncDisposableStack;
}

async function openKeeping(opening: Opening): Promise<Keeping> {
  const { settings, store, registry, mappings, events, io, log, cleanup } = opening;
  const audiences = await openAudiences(settings, store, io, log);
  cleanup.defer(() => audiences.close());
  const tables = createTables(settings, registry, events, io, log);
  cleanup.defer(() => tables.close());
  const broadcasts = events.broadcasts(log);
  cleanup.defer(() => broadcasts.close());
  const live = await openLive(
    settings,
    {
      ...{ store, audiences, broadcasts },
      subscriptions: events.subscriptions(log),
      graphSchema: () => mappings.graphSchema(),
      seesAllWrites: false,
    },
    io,
    log,
  );
  cleanup.defer(() => live.close());
  const made = { settings, registry, mappings, tables, events, io, log, cleanup };
  const deadLetters = await openDeadLetters({ ...made, writes: live.watched(store) }, store);
  return { audiences, live, deadLetters };
}
