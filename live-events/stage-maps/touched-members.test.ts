import { describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import { pack } from '../../graph-store/conformance-graphs.ts';
import type { Mutation, MutationBatch } from '../../graph-store/index.ts';
import { account, watching } from '../../query-api/audiences/audience-conditions-testing.ts';
import { TouchedMembers } from './touched-members.ts';

function batchOf(...mutations: readonly Mutation[]): MutationBatch {
  return pack([{ timeMs: 1, rank: 0, occurrence: 1n, mutations }]);
}

describe('touched members', () => {
  it('are those of the type that a batch names, once it is durable', () => {
    const touched = new TouchedMembers();
    const follower = touched.follow('Account');
    const titles = touched.follow('Title');
    const settled = touched.applying(batchOf(watching(account('a'), 't1'), watching(account('é'), 't1')));
    expect(follower.size).toBe(0);
    settled(true);
    touched.applying(batchOf(watching(account('b'), 't2')))(false);
    touched.applying(batchOf(watching(account('a'), 't1')))(true);
    expect(follower.take(10)).toEqual(['a', 'é']);
    expect(titles.take(10)).toEqual(['t1']);
    expect(follower.size).toBe(0);
  });

  it('are handed out some at a time, and let go of beyond the bound, which is said once', () => {
    const touched = new TouchedMembers(2);
    const follower = touched.follow('Account');
    for (const id of ['a', 'b']) touched.applying(batchOf(watching(account(id), 't1')))(true);
    expect(follower.take(1)).toEqual(['a']);
    for (const id of ['c', 'd']) touched.applying(batchOf(watching(account(id), 't1')))(true);
    expect([follower.size, follower.takeMissed(), follower.takeMissed()]).toEqual([0, 'TOO_MANY', null]);
  });

  it('may be everybody once the graph is another one, whatever their type, while what was named is still handed out', () => {
    const touched = new TouchedMembers();
    const followers = [touched.follow('Account'), touched.follow('Title')];
    touched.applying(batchOf(watching(account('a'), 't1')))(true);
    touched.touchAll();
    expect(followers.map((one) => [one.size, one.takeMissed(), one.takeMissed()])).toEqual([
      [1, 'REPLACED', null],
      [1, 'REPLACED', null],
    ]);
    expect(touched.follow('Account').takeMissed()).toBe(null);
  });

  it('are all told of from when a follower is ready: behind the batches that were on their way when it came', async () => {
    const touched = new TouchedMembers();
    const { signal } = new AbortController();
    const underWay = ['a', 'b'].map((id) => touched.applying(batchOf(watching(account(id), 't1'))));
    const follower = touched.follow('Account');
    touched.applying(batchOf(watching(account('c'), 't1')));
    const order: string[] = [];
    const ready = follower.ready(signal).then(() => order.push('ready'));
    for (const [i, settled] of underWay.entries()) {
      // A turn of the event loop is more than it would take.
      await systemClock.sleep(0);
      order.push(`settled ${i}`);
      settled(i === 0);
    }
    await ready;
    expect(order).toEqual(['settled 0', 'settled 1', 'ready']);
    expect(follower.size).toBe(0);
  });

  it('are waited for by nobody who ends', async () => {
    const touched = new TouchedMembers();
    touched.applying(batchOf(watching(account('a'), 't1')));
    const stop = new AbortController();
    const ready = touched.follow('Account').ready(stop.signal);
    stop.abort();
    expect(await ready).toBe(undefined);
    expect(await touched.follow('Account').ready(stop.signal)).toBe(undefined);
  });

  it('are nobody of a follower that was closed', () => {
    const touched = new TouchedMembers();
    const follower = touched.follow('Account');
    const settled = touched.applying(batchOf(watching(account('a'), 't1')));
    expect(follower.isClosed).toBe(false);
    follower.close();
    expect(follower.isClosed).toBe(true);
    settled(true);
    touched.applying(batchOf(watching(account('b'), 't1')))(true);
    expect(follower.size).toBe(0);
  });
});
