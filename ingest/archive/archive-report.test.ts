import { describe, expect, it } from 'vitest';
import { folderOfTest } from '../../archive/iceberg/iceberg-testing.ts';
import type { LogState } from '../log-retention.ts';
import { reportTopic } from './archive-report.ts';
import {
  archiverParts,
  dayOne,
  drawRecords,
  limits,
  openLog,
  openTestArchive,
  sourceOf,
  topic,
} from './archive-testing.ts';
import { archiveToEnd } from './archive-to-end.ts';

describe('the report on a topic', () => {
  it('says how far archiving is behind, what it missed, and how long it may still stand', async () => {
    const folder = folderOfTest();
    const log = await openLog(folder);
    await log.createTopic(topic, 2);
    await log.append(topic, 0, drawRecords(40));
    const archive = openTestArchive(folder);
    const source = sourceOf(log);
    await archiveToEnd(archiverParts(archive, source), limits);
    const [zero, one] = await source.ends();
    await log.close();
    if (zero === undefined || one === undefined) throw new Error('the topic has two partitions');
    const hourMs = 3_600_000;
    const newestMs = dayOne + 3 * 60_000;
    const state: LogState = {
      // Ten more came, and the first five of them are gone; nothing of the other partition was archived.
      ends: [
        { source: zero.source, low: 45n, end: 50n },
        { source: one.source, low: 0n, end: 3n },
      ],
      retention: { ms: hourMs, bytes: null, isCompacted: false },
    };
    const named = { name: archive.name, table: archive.table };
    const report = await reportTopic(topic, named, state, null, newestMs + 600_000);
    expect(report).toMatchObject({
      ...{ topic, rows: 40, columns: 4, leftOut: {} },
      days: { first: '2026-10-30', last: '2026-10-31' },
      log: { lagRecords: 8, lagMs: 600_000, roomMs: hourMs - 600_000 },
    });
    expect(report.log?.partitions).toMatchObject([
      { partition: 0, archived: '40', lag: 5, missed: 5 },
      { partition: 1, archived: null, lag: 3, missed: 0 },
    ]);
    const caughtUp = { ...state, ends: [{ source: zero.source, low: 0n, end: 40n }] };
    const fine = await reportTopic(topic, named, caughtUp, 7 * 24 * hourMs, newestMs + 600_000);
    expect(fine.log).toMatchObject({ lagRecords: 0, lagMs: 0, roomMs: null });
    expect(fine.archiveRetentionMs).toBe(7 * 24 * hourMs);
    expect((await reportTopic(topic, named, null, null, newestMs)).log).toBeNull();
  });
});
