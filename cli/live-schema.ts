import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../config/index.ts';
import { silentLog } from '../foundation/index.ts';
import { createMemoryStore } from '../graph-store/index.ts';
import { InProcessBroadcastLog, MemorySubscriptionTable } from '../live-events/index.ts';
import { AudienceStore, Audiences, type SchemaExtension } from '../query-api/index.ts';
import type { CommandIo } from './command-io.ts';
import { openLive } from './live.ts';

/** What live events add to the schema of a process that starts now. Made as such a process makes it, in a folder that is gone afterwards: its fields are to be printed, not asked. */
export async function liveSchema(
  io: Pick<CommandIo, 'clock' | 'random' | 'newId'>,
): Promise<SchemaExtension> {
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-schema-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(folder, { recursive: true }));
  const store = createMemoryStore(io.clock);
  const audiences = new Audiences({
    store: await AudienceStore.open(join(folder, 'audiences'), { countMax: 1, bytesMax: 1 }),
    sources: () => store.sources(),
    clock: io.clock,
    log: silentLog,
    newId: io.newId,
    membersMax: 1,
  });
  cleanup.defer(() => audiences.close());
  const graphSchema = (): { nodeTypes: []; edgeTypes: []; domains: [] } => ({
    nodeTypes: [],
    edgeTypes: [],
    domains: [],
  });
  const sources = {
    store,
    audiences,
    graphSchema,
    seesAllWrites: true,
    broadcasts: new InProcessBroadcastLog(silentLog),
    subscriptions: new MemorySubscriptionTable(),
  };
  const { settings } = loadSettings({
    flags: { data: folder, 'api.shedding': 'false' },
    environment: {},
    files: [],
  });
  const live = await openLive(settings, sources, io, silentLog);
  cleanup.defer(() => live.close());
  const { query, mutation } = live.extension;
  return { query, mutation };
}
