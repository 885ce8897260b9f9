import { describe, expect, it } from 'vitest';
import { folderOfTest } from '../../archive/iceberg/iceberg-testing.ts';
import { must } from '../../foundation/index.ts';
import type { EmbeddedLog } from '../embedded-log.ts';
import { archivedPositions } from './archive-positions.ts';
import {
  archivedRows,
  archiverParts,
  drawRecords,
  fill,
  limits,
  logRows,
  openLog,
  openTestArchive,
  sourceOf,
  topic,
} from './archive-testing.ts';
import { archiveToEnd } from './archive-to-end.ts';

async function logWith(folder: string, count: number): Promise<Awaited<ReturnType<typeof openLog>>> {
  const log = await openLog(folder);
  await log.createTopic(topic, 2);
  await fill(log, 0, count);
  await fill(log, 1, count, 1_000);
  return log;
}

describe('an archiver', () => {
  it('archives a topic row for row: tombstones, rubbish, headers and records without a time included', async () => {
    const folder = folderOfTest();
    await using log = disposable(await logWith(folder, 120));
    const archive = openTestArchive(folder);
    const status = await archiveToEnd(archiverParts(archive, sourceOf(log.value)), limits);
    expect(status).toMatchObject({ rows: 240, commits: 1, undecoded: 0 });
    expect(await archivedRows(archive, 2)).toEqual(await logRows(log.value));
  });

  it('goes on where the table says, not where it remembers', async () => {
    const folder = folderOfTest();
    await using log = disposable(await logWith(folder, 60));
    const archive = openTestArchive(folder);
    await archiveToEnd(archiverParts(archive, sourceOf(log.value)), limits);
    await log.value.append(topic, 1, drawRecords(30, 5_000));
    const again = openTestArchive(folder);
    const status = await archiveToEnd(archiverParts(again, sourceOf(log.value)), limits);
    expect(status.rows).toBe(30);
    expect(await archivedRows(again, 2)).toEqual(await logRows(log.value));
    const { metadata } = await again.table.load();
    expect([...archivedPositions(metadata, 'plays').values()]).toEqual([60n, 90n]);
  });

  it('keeps at most so many files open, and writes groups early when memory is short', async () => {
    const folder = folderOfTest();
    await using log = disposable(await logWith(folder, 120));
    const archive = openTestArchive(folder);
    const tight = { ...limits, openFilesMax: 1, bufferBytesMax: 2_000 };
    await archiveToEnd(archiverParts(archive, sourceOf(log.value)), tight);
    expect(await archivedRows(archive, 2)).toEqual(await logRows(log.value));
    const { files } = await archive.table.files();
    expect(files.length).toBeGreaterThan(6);
  });

  it('commits early when its files are large enough', async () => {
    const folder = folderOfTest();
    await using log = disposable(await logWith(folder, 120));
    const archive = openTestArchive(folder);
    const status = await archiveToEnd(archiverParts(archive, sourceOf(log.value)), {
      ...limits,
      commitBytesMax: 1,
    });
    expect(status.commits).toBeGreaterThan(2);
    expect(await archivedRows(archive, 2)).toEqual(await logRows(log.value));
  });

  it('archives a topic that was made again from its own beginning, beside the former one', async () => {
    const folder = folderOfTest();
    await using log = disposable(await logWith(folder, 40));
    const archive = openTestArchive(folder);
    await archiveToEnd(archiverParts(archive, sourceOf(log.value)), limits);
    const before = await logRows(log.value);
    const formerId = topicIdOf(log.value);
    await log.value.deleteTopic(topic);
    await log.value.createTopic(topic, 2);
    await log.value.append(topic, 0, drawRecords(25, 9_000));
    await archiveToEnd(archiverParts(archive, sourceOf(log.value)), limits);
    const topicId = topicIdOf(log.value);
    expect(await archivedRows(archive, 2, formerId)).toEqual(before);
    expect(await archivedRows(archive, 2, topicId)).toEqual(await logRows(log.value));
  });
});

function topicIdOf(log: EmbeddedLog): string {
  return must(
    log.topics().find((one) => one.topic === topic),
    'the topic is there',
  ).topicId;
}

function disposable<T extends { close(): Promise<void> }>(
  value: T,
): { readonly value: T; [Symbol.asyncDispose](): Promise<void> } {
  return { value, [Symbol.asyncDispose]: () => value.close() };
}
