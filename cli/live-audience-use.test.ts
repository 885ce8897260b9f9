import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadSettings } from '../config/index.ts';
import { silentLog, systemClock } from '../foundation/index.ts';
import { createMemoryStore } from '../graph-store/index.ts';
import {
  type Asking,
  InProcessBroadcastLog,
  type LiveCommand,
  MemorySubscriptionTable,
} from '../live-events/index.ts';
import { openTestAudiences } from '../query-api/audiences/audience-testing.ts';
import { openLive } from './live.ts';

const asking: Asking = { actor: 'test', reason: null, expectedVersion: null };

it('An audience is not deleted before the live event that names it is over', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'live-audience-use-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(folder, { recursive: true }));
  const store = createMemoryStore(systemClock);
  const frozen = cleanup.use(await openTestAudiences());
  const { audiences } = frozen;
  const audience = await frozen.frozen(store, { kind: 'all', of: [] });
  if (audience.state !== 'READY') throw new Error(JSON.stringify(audience));
  const { id } = audience.row;
  const flags = { data: folder, 'api.shedding': 'false' };
  const { settings } = loadSettings({ flags, environment: {}, files: [] });
  const sources = {
    ...{ store, audiences, seesAllWrites: true },
    graphSchema: () => ({ nodeTypes: [], edgeTypes: [], domains: [] }),
    broadcasts: new InProcessBroadcastLog(silentLog),
    subscriptions: new MemorySubscriptionTable(),
  };
  const io = { clock: systemClock, random: () => 0.5, newId: () => 'gateway-1' };
  const live = await openLive(settings, sources, io, silentLog);
  cleanup.defer(() => live.close());
  const run = (command: LiveCommand) => live.service.run('fight-1', command, asking);
  const stages = [
    { key: 'live', kind: 'live', startsAtMs: null },
    { key: 'ended', kind: 'ended', startsAtMs: null },
  ] as const;
  await run({ kind: 'create', title: 'The fight', stages, audience: id, plan: null });
  await expect(audiences.delete(id)).rejects.toMatchObject({ code: 'AUDIENCE_IN_USE' });
  await run({ kind: 'cancel' });
  expect(await audiences.delete(id)).toBe(true);
});
