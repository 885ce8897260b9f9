import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import { createMemoryStore, type EventMutations } from '../../graph-store/index.ts';
import { graphOf, HandClock, type Reader, stepOf, TestProcess, turns } from './live-testing.ts';

type Command =
  | { readonly kind: 'write'; readonly timesMs: readonly number[] }
  | { readonly kind: 'settle' }
  | { readonly kind: 'pull'; readonly count: number }
  | { readonly kind: 'resume' }
  | { readonly kind: 'switch'; readonly behind: number };

const ordinary = [
  fc.record({
    kind: fc.constant('write' as const),
    timesMs: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('settle' as const) }),
  fc.record({ kind: fc.constant('pull' as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('resume' as const) }),
];
const switching = fc.record({ kind: fc.constant('switch' as const), behind: fc.integer({ min: 0, max: 6 }) });
const commands = fc.array(fc.oneof(...ordinary), { maxLength: 25 });
const commandsWithSwitches = fc.array(fc.oneof(...ordinary, switching), { maxLength: 25 });

describe('A client that always resumes', () => {
  it('gets each step that becomes durable after its first message exactly once, however writes, reads and breaks interleave', async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        const { got, due } = await follow(list, { late: true });
        expect([...got].sort((a, b) => a - b)).toEqual(due);
      }),
      { numRuns: 150 },
    );
  });

  it('over restarts loses no step that is not late', async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        const { got, due } = await follow(list, { restarts: true });
        expect(due.filter((id) => !got.includes(id))).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('over switches to graphs that have read less loses no step that is not late', async () => {
    await fc.assert(
      fc.asyncProperty(commandsWithSwitches, async (list) => {
        const { got, due } = await follow(list, {});
        expect(due.filter((id) => !got.includes(id))).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('beside other writers loses no step that is not late either, and meets none twice while it listens', async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        const { got, due } = await follow(list, { restarts: true, complete: false });
        expect(due.filter((id) => !got.includes(id))).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});

/** With `restarts` each resumption is at another process; unless some are `late`, event times only grow. */
async function follow(
  list: readonly Command[],
  {
    restarts = false,
    late = false,
    complete = true,
  }: { readonly restarts?: boolean; readonly late?: boolean; readonly complete?: boolean },
): Promise<{ readonly got: readonly number[]; readonly due: readonly number[] }> {
  const memory = createMemoryStore(systemClock);
  const clock = new HandClock();
  let process = new TestProcess({ memory, clock, complete });
  let reader = await process.subscribe(null).pull(1);
  process.hold();
  const got: number[] = [];
  const all: EventMutations[] = [];
  let cursor = reader.cursor;
  const take = ({ steps }: Reader): void => {
    expect(new Set(steps).size).toBe(steps.length);
    got.push(...steps);
  };
  /** After a switch there is more than what was written last: what the graph in force has not read. */
  const readOn = async (): Promise<void> => {
    const unread = all.slice(Number(process.position));
    if (unread.length > 0) void process.write(unread);
    await turns(2);
  };
  for (const command of list) {
    if (command.kind === 'write') {
      for (const timeMs of command.timesMs) {
        const id = all.length + 1;
        all.push(stepOf(100 + (late ? timeMs : id), id));
      }
      await readOn();
    } else if (command.kind === 'settle') {
      if (process.inFlight > 0) process.settle();
      await turns(2);
    } else if (command.kind === 'pull') {
      // Time to look into the store, where that is what it does.
      await clock.advance(2000);
      await reader.pull(command.count);
    } else if (command.kind === 'switch') {
      process.switchTo(await graphOf(all.slice(0, Math.max(0, all.length - command.behind))));
    } else {
      cursor = reader.cursor ?? cursor;
      take(reader);
      await reader.stop();
      if (restarts) {
        await settleAll(process);
        const { position } = process;
        process = new TestProcess({ memory, clock, complete, epoch: BigInt(all.length + 2) });
        process.startAt(position);
        process.hold();
      }
      reader = await process.subscribe(cursor).pull(1);
    }
  }
  await reader.pull(1);
  await readOn();
  await settleAll(process);
  await reader.pull();
  take(reader);
  await reader.stop();
  // Cut by a switch, or it gave up waiting: then a client goes on.
  const last = await process.subscribe(reader.cursor ?? cursor).pull();
  take(last);
  await last.stop();
  return { got, due: all.map((_, i) => i + 1) };
}

async function settleAll(process: TestProcess): Promise<void> {
  while (process.inFlight > 0) {
    process.settle();
    await turns(2);
  }
}
