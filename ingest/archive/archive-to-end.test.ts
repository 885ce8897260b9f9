import { describe, expect, it } from 'vitest';
import { folderOfTest } from '../../archive/iceberg/iceberg-testing.ts';
import { type Clock, silentLog, systemClock } from '../../foundation/index.ts';
import type { EmbeddedLog } from '../embedded-log.ts';
import type { EventSource, SourceHandler } from '../event-source.ts';
import {
  archivedRows,
  archiverParts,
  fill,
  limits,
  logRows,
  openLog,
  openTestArchive,
  sourceOf,
  topic,
} from './archive-testing.ts';
import { archiveToEnd } from './archive-to-end.ts';

/** As a member of a group that was given this one partition. */
function memberWith(log: EmbeddedLog, mine: number): EventSource {
  const source = sourceOf(log);
  const run = async (handler: SourceHandler, signal: AbortSignal): Promise<void> => {
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    await source.run(
      {
        assigned: (of) => (of.partition === mine ? handler.assigned(of) : aborted),
        revoked: (of) => (of.partition === mine ? handler.revoked(of) : undefined),
        batch: (batch) => handler.batch(batch),
        gap: (...gap) => handler.gap(...gap),
        outage: (error) => handler.outage?.(error),
      },
      signal,
    );
  };
  return {
    topic,
    get reading() {
      return source.reading;
    },
    run: async (handler, signal) => {
      try {
        await run(handler, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
    ends: () => source.ends(),
    report: () => source.report(),
    reclaim: (of) => source.reclaim(of),
  };
}

/** Seconds pass in milliseconds. */
function hurrying(): Clock {
  let aheadMs = 0;
  return {
    ...systemClock,
    now: () => systemClock.now() + aheadMs,
    sleep: async (ms, signal) => {
      aheadMs += 500;
      await systemClock.sleep(Math.min(ms, 1), signal);
    },
  };
}

describe('an archiver that ends with its topic', () => {
  it('shares its partitions with another, and both end when all of them are in the table', async () => {
    const folder = folderOfTest();
    await using log = disposable(await logWith(folder));
    const archive = openTestArchive(folder);
    const other = openTestArchive(folder);
    const ended = await Promise.all([
      archiveToEnd(archiverParts(archive, memberWith(log.value, 0)), limits),
      archiveToEnd(archiverParts(other, memberWith(log.value, 1)), limits),
    ]);
    expect(ended.map(({ rows }) => rows)).toEqual([60, 60]);
    expect(await archivedRows(archive, 2)).toEqual(await logRows(log.value));
  });

  it('leaves to another what that one archives no further, and says which partitions', async () => {
    const folder = folderOfTest();
    await using log = disposable(await logWith(folder));
    const archive = openTestArchive(folder);
    const said: unknown[] = [];
    const parts = archiverParts(archive, memberWith(log.value, 0), {
      ...silentLog,
      warn: (fields) => said.push(fields),
    });
    const { rows } = await archiveToEnd({ ...parts, clock: hurrying() }, limits);
    expect(rows).toBe(60);
    expect(said).toEqual([{ topic, partitions: [1] }]);
  });

  it('takes nothing for another’s while there is no session', async () => {
    const folder = folderOfTest();
    await using log = disposable(await logWith(folder));
    const archive = openTestArchive(folder);
    const enough = new AbortController();
    const said: unknown[] = [];
    let looks = 0;
    const member = memberWith(log.value, 0);
    const source: EventSource = {
      topic,
      get reading() {
        looks += 1;
        // Twice as many as would do.
        if (looks === 400) enough.abort();
        return false;
      },
      run: (handler, signal) => member.run(handler, signal),
      ends: () => member.ends(),
      report: () => undefined,
      reclaim: () => undefined,
    };
    const parts = archiverParts(archive, source, { ...silentLog, warn: (fields) => said.push(fields) });
    await archiveToEnd({ ...parts, clock: hurrying() }, limits, enough.signal);
    expect(looks).toBeGreaterThanOrEqual(400);
    expect(said).toEqual([]);
  });
});

async function logWith(folder: string): Promise<EmbeddedLog> {
  const log = await openLog(folder);
  await log.createTopic(topic, 2);
  for (const partition of [0, 1]) await fill(log, partition, 60, partition * 1_000);
  return log;
}

function disposable(value: EmbeddedLog): { readonly value: EmbeddedLog } & AsyncDisposable {
  return { value, [Symbol.asyncDispose]: () => value.close() };
}
