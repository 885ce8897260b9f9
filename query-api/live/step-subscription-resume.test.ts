import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import { createMemoryStore } from '../../graph-store/index.ts';
import { HandClock, type Reader, stepOf, TestProcess, turns } from './live-testing.ts';

type Command =
  | { readonly kind: 'write'; readonly timesMs: readonly number[] }
  | { readonly kind: 'settle' }
  | { readonly kind: 'pull'; readonly count: number }
  | { readonly kind: 'resume' };

const commands = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('write' as const),
      timesMs: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('settle' as const) }),
    fc.record({ kind: fc.constant('pull' as const), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant('resume' as const) }),
  ),
  { maxLength: 25 },
);

describe('A client that always resumes', () => {
  it('gets each step that becomes durable after its first message exactly once, however writes, reads and breaks interleave', async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        const { got, due } = await follow(list, false);
        expect([...got].sort((a, b) => a - b)).toEqual(due);
      }),
      { numRuns: 150 },
    );
  });

  it('over restarts loses no step that is not late', async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        const { got, due } = await follow(list, true);
        expect(due.filter((id) => !got.includes(id))).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('beside other writers loses no step that is not late either, and meets none twice while it listens', async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        const { got, due } = await follow(list, true, false);
        expect(due.filter((id) => !got.includes(id))).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});

/** With `restarts` each resumption is at another process, and event times only grow. */
async function follow(
  list: readonly Command[],
  restarts: boolean,
  complete = true,
): Promise<{ readonly got: readonly number[]; readonly due: readonly number[] }> {
  const memory = createMemoryStore(systemClock);
  const clock = new HandClock();
  let process = new TestProcess({ memory, clock, complete });
  let reader = await process.subscribe(null).pull(1);
  process.hold();
  const got: number[] = [];
  let id = 0;
  const take = ({ steps }: Reader): void => {
    expect(new Set(steps).size).toBe(steps.length);
    got.push(...steps);
  };
  const settleAll = async (): Promise<void> => {
    while (process.inFlight > 0) {
      process.settle();
      await turns(2);
    }
  };
  for (const command of list) {
    if (command.kind === 'write') {
      const events = command.timesMs.map((timeMs) => {
        id += 1;
        return stepOf(restarts ? 100 + id : 100 + timeMs, id);
      });
      void process.write(events);
      await turns(2);
    } else if (command.kind === 'settle') {
      if (process.inFlight > 0) process.settle();
      await turns(2);
    } else if (command.kind === 'pull') {
      // Time to look into the store, where that is what it does.
      await clock.advance(2000);
      await reader.pull(command.count);
    } else {
      const { cursor } = reader;
      take(reader);
      await reader.stop();
      if (restarts) {
        await settleAll();
        const { position } = process;
        process = new TestProcess({ memory, clock, complete, epoch: BigInt(id + 2) });
        process.startAt(position);
        process.hold();
      }
      reader = await process.subscribe(cursor).pull(1);
    }
  }
  await settleAll();
  await reader.pull();
  take(reader);
  await reader.stop();
  return { got, due: Array.from({ length: id }, (_, i) => i + 1) };
}
