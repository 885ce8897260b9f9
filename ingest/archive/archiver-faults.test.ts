import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderOfTest } from '../../archive/iceberg/iceberg-testing.ts';
import { LocalObjectStore } from '../../archive/index.ts';
import { must, OutageError, systemClock } from '../../foundation/index.ts';
import type { SourcePartition } from '../../graph-store/index.ts';
import type { EmbeddedLog } from '../embedded-log.ts';
import type { EventSource } from '../event-source.ts';
import { skippedOffsets } from './archive-positions.ts';
import {
  archivedRows,
  archiverParts,
  drawRecords,
  fill,
  limits,
  logRows,
  openLog,
  openTestArchive,
  registryOf,
  schemaTexts,
  sourceOf,
  topic,
} from './archive-testing.ts';
import { HookedStore } from './archive-testing-store.ts';
import { archiveToEnd } from './archive-to-end.ts';
import { Archiver } from './archiver.ts';

async function logWith(folder: string, count: number, retentionBytesMax?: number): Promise<EmbeddedLog> {
  const log = await openLog(folder, retentionBytesMax);
  await log.createTopic(topic, 2);
  await fill(log, 0, count);
  await fill(log, 1, count, 1_000);
  return log;
}

const fullDisk = (): OutageError => new OutageError('OBJECT_STORE_FAILED', 'The disk is full.');

describe('an archiver whose store fails', () => {
  it.each(['before writing', 'while writing', 'after writing', 'before creating', 'after creating'])(
    'pauses and loses or repeats nothing when it fails %s',
    async (moment) => {
      const folder = folderOfTest();
      const log = await logWith(folder, 60);
      let seen = 0;
      const store = new HookedStore(new LocalObjectStore(join(folder, 'archive')), (what) => {
        if (what !== moment) return;
        seen += 1;
        if (seen === 3 || seen === 4) throw fullDisk();
      });
      const archive = openTestArchive(folder, { store });
      const warnings: string[] = [];
      const parts = archiverParts(archive, sourceOf(log));
      const heard = { ...parts.log, warn: (_fields: object, message: string) => warnings.push(message) };
      await archiveToEnd({ ...parts, log: heard }, { ...limits, commitBytesMax: 1 });
      expect(seen).toBeGreaterThan(4);
      expect(warnings.join()).toContain('The disk is full.');
      expect(await archivedRows(archive, 2)).toEqual(await logRows(log));
      await log.close();
    },
  );

  it('says while it waits that it is paused, and why', async () => {
    const folder = folderOfTest();
    const log = await logWith(folder, 60);
    let isFull = true;
    const store = new HookedStore(new LocalObjectStore(join(folder, 'archive')), (what) => {
      if (isFull && what === 'while writing') throw fullDisk();
    });
    const archive = openTestArchive(folder, { store });
    const states: string[] = [];
    await archiveToEnd(
      archiverParts(archive, sourceOf(log)),
      { ...limits, commitMs: 5 },
      undefined,
      ({ state }) => {
        if (state.kind === 'paused') {
          states.push(state.why);
          isFull = false;
        }
      },
    );
    expect(states[0]).toBe('The disk is full.');
    expect(await archivedRows(archive, 2)).toEqual(await logRows(log));
    await log.close();
  });
});

describe('an expiry while an archiver sleeps for longer than it lets files lie', () => {
  it.each([/\.parquet$/, /-m0\.avro$/, /snap-/, /v\d+\.metadata\.json$/])(
    'takes what was written away, and it is archived again, when the archiver fell asleep at %s',
    async (pattern) => {
      const folder = folderOfTest();
      const log = await logWith(folder, 20);
      await archiveToEnd(archiverParts(openTestArchive(folder), sourceOf(log)), limits);
      await fill(log, 0, 30, 5_000);
      let orphans: number | null = null;
      let sleptMs = 0;
      const store = new HookedStore(new LocalObjectStore(join(folder, 'archive')), async (what, key) => {
        const moment = key.endsWith('.parquet') ? 'after writing' : 'before creating';
        if (what !== moment || !pattern.test(key) || orphans !== null) return;
        orphans = 0;
        sleptMs = 7_200_000;
        const keep = { snapshots: 1_000, olderThanMs: systemClock.now() + 60_000 };
        ({ orphans } = await openTestArchive(folder).table.expire(keep));
      });
      const archive = openTestArchive(folder, { store });
      const parts = archiverParts(archive, sourceOf(log));
      const clock = { ...systemClock, now: () => systemClock.now() + sleptMs };
      await archiveToEnd({ ...parts, clock }, limits);
      expect(orphans).toBeGreaterThan(0);
      expect(await archivedRows(openTestArchive(folder), 2)).toEqual(await logRows(log));
      await log.close();
    },
  );
});

describe('an archiver that heard of no row for days', () => {
  it('commits the first ones at once, though an expiry removed files meanwhile', async () => {
    const folder = folderOfTest();
    const log = await logWith(folder, 20);
    const archive = openTestArchive(folder);
    const days = 3 * 86_400_000;
    let sleptMs = -days;
    const clock = { ...systemClock, now: () => systemClock.now() + sleptMs };
    const orphan = 'test/plays/data/orphan.parquet';
    const inner = sourceOf(log);
    const reclaimed: SourcePartition[] = [];
    const source: EventSource = {
      ...{ topic, reading: true, ends: () => inner.ends(), report: () => undefined },
      reclaim: (lost) => reclaimed.push(lost),
      async run(handler) {
        const { source: first, end } = must((await inner.ends())[0], 'the topic has a partition');
        await handler.assigned(first);
        await handler.batch({ source: first, records: [], from: 0n, next: 0n, end });
        await archive.store.write(orphan, once(Buffer.from('PAR1')));
        const away = new Date(systemClock.now() - 86_400_000);
        await utimes(join(folder, 'archive', orphan), away, away);
        const keep = { snapshots: 1_000, olderThanMs: systemClock.now() - 3_600_000 };
        expect(await archive.table.expire(keep)).toMatchObject({ orphans: 1 });
        sleptMs = 0;
        const { records, next } = await log.read(topic, 0, 0n, 2 ** 20);
        await handler.batch({ source: first, records, from: 0n, next, end });
      },
    };
    const archiver = new Archiver({ ...archiverParts(archive, source), clock }, limits);
    await archiver.run(new AbortController().signal);
    expect(archiver.status()).toMatchObject({ commits: 1, rows: 20 });
    expect(reclaimed).toEqual([]);
    expect((await archivedRows(archive, 2))[0]).toEqual((await logRows(log))[0]);
    await log.close();
  });
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

describe('two archivers of one topic at a time', () => {
  it('archive each row once between them', async () => {
    const folder = folderOfTest();
    const log = await logWith(folder, 80);
    const [one, other] = [openTestArchive(folder), openTestArchive(folder)];
    const often = { ...limits, commitBytesMax: 1 };
    await Promise.all([
      archiveToEnd(archiverParts(one, sourceOf(log)), often),
      archiveToEnd(archiverParts(other, sourceOf(log)), often),
    ]);
    expect(await archivedRows(one, 2)).toEqual(await logRows(log));
    await log.close();
  });
});

describe('an archiver', () => {
  it('waits for a registry that does not answer, and still fills the columns', async () => {
    const folder = folderOfTest();
    const log = await logWith(folder, 60);
    let refusals = 3;
    const known = registryOf(schemaTexts);
    const registry = {
      ...known,
      schemaById: async (id: number) => {
        refusals -= 1;
        if (refusals >= 0) throw new OutageError('REGISTRY_UNREACHABLE', 'no answer');
        return await known.schemaById(id);
      },
    };
    const archive = openTestArchive(folder, { registry });
    await archiveToEnd(archiverParts(archive, sourceOf(log)), limits);
    expect(refusals).toBeLessThan(0);
    const { files } = await archive.table.files();
    const { metadata } = await archive.table.load();
    const member = metadata.schemas.at(-1)?.columns.find((column) => column.name === 'member')?.id ?? 0;
    const nulls = files.reduce((sum, file) => sum + Number(file.nullCounts?.get(member) ?? 0n), 0);
    const isEvent = (row: { readonly schemaId: number | null }): boolean => row.schemaId === 7;
    const rows = (await logRows(log)).flat();
    expect(nulls).toBe(rows.filter((row) => !isEvent(row)).length);
    await log.close();
  });

  it('archives records that name more unknown schemas than it keeps', async () => {
    const folder = folderOfTest();
    const log = await logWith(folder, 5);
    const rubbish = drawRecords(150, 5).map((record, index) => {
      const value = Buffer.alloc(6);
      value.writeInt32BE(1_000 + index, 1);
      return { ...record, value };
    });
    await log.append(topic, 0, rubbish);
    const archive = openTestArchive(folder);
    await archiveToEnd(archiverParts(archive, sourceOf(log)), limits);
    expect(await archivedRows(archive, 2)).toEqual(await logRows(log));
    await log.close();
  });

  it('stops by name when records left the log before they were archived, and goes on after them when told to', async () => {
    const folder = folderOfTest();
    const log = await logWith(folder, 40, 30_000);
    const archive = openTestArchive(folder);
    await archiveToEnd(archiverParts(archive, sourceOf(log)), limits);
    for (let times = 0; times < 30; times += 1)
      await log.append(topic, 0, drawRecords(200, 10_000 + times * 200));
    expect(Number(log.ends(topic)[0]?.low)).toBeGreaterThan(40);
    const stopping = new Archiver(archiverParts(archive, sourceOf(log)), limits);
    await expect(stopping.run(new AbortController().signal)).rejects.toMatchObject({ code: 'ARCHIVE_GAP' });
    expect(stopping.status().state).toMatchObject({ kind: 'stopped', code: 'ARCHIVE_GAP' });
    await archiveToEnd(archiverParts(archive, sourceOf(log)), { ...limits, onGap: 'skip' });
    const [archived, kept] = [await archivedRows(archive, 2), await logRows(log)];
    expect(archived[0]?.filter((row) => row.offset >= 40n)).toEqual(kept[0]);
    const from = { from: 40n, until: must(kept[0]?.[0], 'the log has rows').offset };
    expect([...skippedOffsets((await archive.table.load()).metadata).values()]).toEqual([from]);
    // Said for good: what comes later does not take it away.
    await log.append(topic, 0, drawRecords(10, 20_000));
    await archiveToEnd(archiverParts(archive, sourceOf(log)), limits);
    expect([...skippedOffsets((await archive.table.load()).metadata).values()]).toEqual([from]);
    await log.close();
  });

  it('stops at a table that archives another topic', async () => {
    const folder = folderOfTest();
    const log = await logWith(folder, 10);
    await archiveToEnd(archiverParts(openTestArchive(folder), sourceOf(log)), limits);
    const other = openTestArchive(folder, { topic: 'p-lays' });
    await expect(archiveToEnd(archiverParts(other, sourceOf(log)), limits)).rejects.toMatchObject({
      code: 'ARCHIVE_TABLE_TAKEN',
    });
    await log.close();
  });

  it('goes on when the registry only writes a schema with other spaces, and keeps the text of the first time', async () => {
    const folder = folderOfTest();
    const log = await logWith(folder, 10);
    const before = openTestArchive(folder);
    await archiveToEnd(archiverParts(before, sourceOf(log)), limits);
    await log.append(topic, 0, drawRecords(10, 500));
    const spaced = [...schemaTexts].map(
      ([id, text]) => [id, JSON.stringify(JSON.parse(text), null, 2)] as const,
    );
    const other = openTestArchive(folder, { registry: registryOf(new Map(spaced)) });
    await archiveToEnd(archiverParts(other, sourceOf(log)), limits);
    expect(await archivedRows(other, 2)).toEqual(await logRows(log));
    expect(await other.archived.find(log.cluster, 7)).toBe(schemaTexts.get(7));
    await log.close();
  });

  it('stops when the registry gave an id of the archive to another schema', async () => {
    const folder = folderOfTest();
    const log = await logWith(folder, 10);
    await archiveToEnd(archiverParts(openTestArchive(folder), sourceOf(log)), limits);
    await log.append(topic, 0, drawRecords(10, 500));
    const registry = registryOf(new Map([[7, '"string"']]));
    const other = openTestArchive(folder, { registry });
    await expect(archiveToEnd(archiverParts(other, sourceOf(log)), limits)).rejects.toMatchObject({
      code: 'SCHEMA_DIFFERS',
    });
    await log.close();
  });
});
