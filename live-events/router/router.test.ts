import { describe, expect, it } from 'vitest';
import type { Broadcast } from '../../device/index.ts';
import { type Clock, OutageError, silentLog } from '../../foundation/index.ts';
import { FakeJournal } from '../gateway/journal.fake.ts';
import type { LinkListener } from '../ports.ts';
import { InProcessBroadcastLog } from '../producer/in-process-broadcast-log.ts';
import { Router, type RouterLimits, routerLimitsDefault } from './router.ts';
import { SubscriptionLog } from './subscription-log.ts';
import { MemorySubscriptionTable, type SubscriptionChange } from './subscription-table.ts';

/** Sleeps end with the event loop's next turn, however long they are. */
const clock: Clock = { now: () => 7, sleep: () => new Promise((resolve) => setImmediate(resolve)) };

/** Its first write fails, when the test says so. */
class TableThatFails extends MemorySubscriptionTable {
  readonly failing = Promise.withResolvers<void>();
  readonly written: (readonly SubscriptionChange[])[] = [];
  tries = 0;

  override async write(changes: readonly SubscriptionChange[]): Promise<void> {
    this.tries += 1;
    if (this.tries === 1) {
      await this.failing.promise;
      throw new OutageError('LIVE_SUBSCRIPTIONS_UNREACHABLE', 'the broker is away');
    }
    this.written.push(changes);
    await super.write(changes);
  }
}

/** Whose first answer takes longest. */
class SlowJournal extends FakeJournal {
  #turns = 6;

  override async broadcastsAfter(id: string, sequence: number): Promise<readonly Broadcast[] | null> {
    const turns = this.#turns;
    this.#turns = 0;
    for (let turn = 0; turn < turns; turn += 1) await clock.sleep(0);
    return await super.broadcastsAfter(id, sequence);
  }
}

class Heard implements LinkListener {
  readonly sequences: number[] = [];
  broadcast({ sequence }: Broadcast): void {
    this.sequences.push(sequence);
  }
  gone(): void {
    throw new Error('nothing is gone here');
  }
}

function routerOn(
  table: MemorySubscriptionTable = new MemorySubscriptionTable(),
  limits: Partial<RouterLimits> = {},
  journal: FakeJournal = new FakeJournal(() => 7),
): { readonly router: Router; readonly journal: FakeJournal; advance(): void } {
  journal.create('fight-1');
  const subscriptions = new SubscriptionLog({ table, clock, random: () => 0.5, log: silentLog });
  const report = (): void => undefined;
  const router = new Router({
    events: journal,
    subscriptions,
    report,
    limits: { ...routerLimitsDefault, ...limits },
    clock,
  });
  return { router, journal, advance: () => router.broadcast(journal.advance('fight-1')) };
}

describe('a router', () => {
  it('sends what followed a cursor first, and what comes meanwhile behind it', async () => {
    const { router, advance } = routerOn();
    for (let stage = 1; stage < 5; stage += 1) advance();
    const heard = new Heard();
    const gateway = router.attach('gateway-1', '', heard);
    const subscribed = gateway.subscribe('fight-1', { epoch: 1_000, sequence: 2 });
    advance();
    expect(heard.sequences).toEqual([]);
    expect(await subscribed).toMatchObject({ sequence: 6 });
    // The sixth was journaled before the journal answered, and broadcast after it was asked.
    expect(heard.sequences).toEqual([3, 4, 5, 6, 6]);
  });

  it('answers no question about a cursor before the gateway has what it was being sent', async () => {
    const { router, advance } = routerOn(undefined, {}, new SlowJournal(() => 7));
    for (let stage = 1; stage < 5; stage += 1) advance();
    const heard = new Heard();
    const gateway = router.attach('gateway-1', '', heard);
    const subscribed = gateway.subscribe('fight-1', { epoch: 1_000, sequence: 2 });
    expect(await gateway.history('fight-1', { epoch: 1_000, sequence: 5 })).toEqual({
      kind: 'broadcasts',
      broadcasts: [],
    });
    expect(heard.sequences).toEqual([3, 4, 5]);
    await subscribed;
  });

  it('tells who has subscribed already what was published before the log could be read', async () => {
    const { router, journal } = routerOn();
    const heard = new Heard();
    await router.attach('gateway-1', '', heard).subscribe('fight-1', { epoch: 1_000, sequence: 1 });
    const readable = Promise.withResolvers<() => Promise<void>>();
    const following = router.follow({ subscribe: () => readable.promise });
    // Into a topic whose end the reader has not asked for yet.
    journal.advance('fight-1');
    expect(heard.sequences).toEqual([]);
    readable.resolve(async () => undefined);
    await following;
    expect(heard.sequences).toEqual([2]);
  });

  it('hears what is published from then on', async () => {
    const { router, journal } = routerOn();
    const heard = new Heard();
    await router.attach('gateway-1', '', heard).subscribe('fight-1', { epoch: 1_000, sequence: 1 });
    const log = new InProcessBroadcastLog(silentLog);
    const stop = await router.follow(log);
    await log.publish(journal.advance('fight-1'));
    await stop();
    await log.publish(journal.advance('fight-1'));
    expect(heard.sequences).toEqual([1, 2]);
  });

  it('goes on without its table, and writes the newest of each row when it is back', async () => {
    const table = new TableThatFails();
    const { router, advance } = routerOn(table);
    const heard = new Heard();
    const gateway = router.attach('gateway-1', '10.0.0.1', heard);
    await gateway.subscribe('fight-1', { epoch: 0, sequence: 0 });
    advance();
    expect(heard.sequences).toEqual([2]);
    await expect.poll(() => table.tries).toBe(1);
    // While the row is being written.
    gateway.unsubscribe('fight-1');
    table.failing.resolve();
    await expect
      .poll(() => table.written)
      .toEqual([[{ event: 'fight-1', gateway: 'gateway-1', subscription: null }]]);
    await gateway.subscribe('fight-1', { epoch: 0, sequence: 0 });
    await expect
      .poll(() => table.load())
      .toEqual([{ event: 'fight-1', gateway: 'gateway-1', address: '10.0.0.1', sinceMs: 7 }]);
  });

  it('takes those out of the table that were there before it and do not dial it', async () => {
    const table = new MemorySubscriptionTable();
    const row = { event: 'fight-1', gateway: 'gone' };
    await table.write([{ ...row, subscription: { ...row, address: '', sinceMs: 1 } }]);
    const { router } = routerOn(table);
    await router.start();
    expect(router.gateways).toEqual({ attached: [], expected: ['gone'] });
    await expect.poll(() => table.load()).toEqual([]);
    expect(router.gateways.expected).toEqual([]);
  });

  it('has so many gateways and no more, of which each may subscribe so many events; a second of a name takes its place', async () => {
    const { router, journal } = routerOn(undefined, { gatewaysMax: 1, subscriptionsPerGatewayMax: 1 });
    journal.create('fight-2');
    const first = router.attach('gateway-1', '', new Heard());
    await first.subscribe('fight-1', { epoch: 0, sequence: 0 });
    const second = first.subscribe('fight-2', { epoch: 0, sequence: 0 });
    await expect(second).rejects.toMatchObject({ code: 'LIVE_ROUTER_BUSY', reaction: 'outage' });
    expect(() => router.attach('gateway-2', '', new Heard())).toThrow('as many as it may');
    router.attach('gateway-1', '', new Heard(), { socketsMax: 500 });
    expect(router.socketLimits).toEqual([500]);
    expect(router.subscribersOf('fight-1')).toEqual([]);
    // Null would have its devices told that the event is gone.
    const late = first.subscribe('fight-1', { epoch: 0, sequence: 0 });
    await expect(late).rejects.toMatchObject({ code: 'LIVE_ROUTER_BUSY', reaction: 'outage' });
    expect(router.gateways.attached).toEqual(['gateway-1']);
  });
});
