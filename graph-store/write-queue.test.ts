import { describe, expect, it } from 'vitest';
import { pack } from './conformance-graphs.ts';
import { advance, event, watched } from './conformance-subject.ts';
import { type GroupWindow, WriteQueue } from './write-queue.ts';

const groupEventsMax = 4;

/** A queue whose groups end when the test says so. */
function queueInHand(window: GroupWindow | null = null): {
  readonly queue: WriteQueue;
  /** Sizes of the groups that were begun, in batches. */
  readonly begun: number[];
  readonly apply: (count: number) => void;
  readonly end: () => Promise<void>;
} {
  const begun: number[] = [];
  const answers: Promise<unknown>[] = [];
  const ends: (() => void)[] = [];
  const queue = new WriteQueue(
    groupEventsMax,
    async (group, leave) => {
      begun.push(group.length);
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.push(() => {
        for (const job of group)
          job.resolve({ nodeWrites: 0, nodeWritesSuppressed: 0, nodeWritesCoalesced: 0 });
        resolve();
      });
      leave(promise);
    },
    window,
  );
  const batch = pack([event(1, [watched({ type: 'Title', id: 't' })])]).take();
  const apply = (count: number): void => {
    for (let i = 0; i < count; i += 1)
      answers.push(queue.apply(advance({ epoch: 1, next: null }, i, i + 1), batch));
  };
  const end = async (): Promise<void> => {
    ends.shift()?.();
    await settled();
  };
  return { queue, begun, apply, end };
}

/** All that follows without waiting for anything has happened. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('The queue of writes', () => {
  it('begins a group beside another when half of one waits, and not before', async () => {
    const { begun, apply } = queueInHand();
    apply(1);
    await settled();
    apply(1);
    await settled();
    expect(begun).toEqual([1]);
    apply(1);
    await settled();
    expect(begun).toEqual([1, 2]);
  });

  it('has two groups under way at most, however many batches wait', async () => {
    const { begun, apply, end } = queueInHand();
    apply(20);
    await settled();
    expect(begun).toEqual([1, 4]);
    await end();
    expect(begun).toEqual([1, 4, 4]);
  });

  it('lets a group grow no further for a task that waits behind it, and begins the task with nothing under way', async () => {
    const { queue, begun, apply, end } = queueInHand();
    apply(1);
    await settled();
    apply(1);
    let ran = false;
    const task = queue.exclusively(async () => {
      ran = true;
    });
    apply(4);
    await settled();
    expect(begun).toEqual([1, 1]);
    await end();
    expect(ran).toBe(false);
    await end();
    await task;
    await settled();
    expect(begun).toEqual([1, 1, 4]);
  });

  it('is drained when nothing is under way any more', async () => {
    const { queue, apply, end } = queueInHand();
    apply(5);
    await settled();
    let drained = false;
    const ended = queue.drained().then(() => {
      drained = true;
    });
    await end();
    expect(drained).toBe(false);
    await end();
    await ended;
    expect(drained).toBe(true);
  });

  describe('with a window', () => {
    /** Windows end when the test says so, in the order in which they were opened. */
    function windowInHand(): {
      readonly window: GroupWindow;
      readonly opened: AbortSignal[];
      readonly end: () => Promise<void>;
    } {
      const opened: AbortSignal[] = [];
      const ends: (() => void)[] = [];
      const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
        expect(ms).toBe(250);
        if (signal !== undefined) opened.push(signal);
        await new Promise<void>((resolve) => {
          ends.push(resolve);
          signal?.addEventListener('abort', () => resolve());
        });
      };
      const end = async (): Promise<void> => {
        ends.shift()?.();
        await settled();
      };
      return { window: { ms: 250, clock: { now: () => 0, sleep } }, opened, end };
    }

    it('waits from the first batch of a group to its end, though nothing is under way', async () => {
      const { window, opened, end } = windowInHand();
      const { begun, apply, end: endGroup } = queueInHand(window);
      apply(1);
      await settled();
      apply(2);
      await settled();
      expect(begun).toEqual([]);
      expect(opened).toHaveLength(1);
      await end();
      expect(begun).toEqual([3]);
      await endGroup();
      apply(1);
      await settled();
      expect(begun).toEqual([3]);
      await end();
      expect(begun).toEqual([3, 1]);
    });

    it('waits no longer when a group is full, or a task waits behind it, and lets nothing sleep on', async () => {
      const { window, opened } = windowInHand();
      const { queue, begun, apply, end: endGroup } = queueInHand(window);
      apply(4);
      await settled();
      expect(begun).toEqual([4]);
      await endGroup();
      apply(1);
      const task = queue.exclusively(() => Promise.resolve());
      await settled();
      expect(begun).toEqual([4, 1]);
      await endGroup();
      await task;
      expect(opened.map(({ aborted }) => aborted)).toEqual([true, true]);
    });

    it('ends it for the end of the queue', async () => {
      const { window } = windowInHand();
      const { queue, begun, apply, end: endGroup } = queueInHand(window);
      apply(1);
      await settled();
      const drained = queue.drained();
      await settled();
      expect(begun).toEqual([1]);
      await endGroup();
      await drained;
    });

    it('counts the time that the group before took, and what a full group left behind has a window of its own', async () => {
      const { window, end } = windowInHand();
      const { begun, apply, end: endGroup } = queueInHand(window);
      apply(5);
      await settled();
      expect(begun).toEqual([4]);
      await end();
      await end();
      expect(begun).toEqual([4]);
      await endGroup();
      expect(begun).toEqual([4, 1]);
    });
  });
});
