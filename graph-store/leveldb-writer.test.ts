import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { must, systemClock } from '../foundation/index.ts';
import { crashAdvance, crashBatch, crashSource } from './crash-testing-batches.ts';
import type { Level } from './leveldb-group.ts';
import { openLevel } from './leveldb-open.ts';
import { type ApplyRequest, defaultLevelSettings, type WriterReply } from './leveldb-protocol.ts';
import { LevelWriter } from './leveldb-writer.ts';
import { decodePosition, positionKey } from './position.ts';

function applyRequest(id: number, epoch: number, number: number): ApplyRequest {
  return { kind: 'apply', id, ...crashAdvance(epoch, number), ...crashBatch(number).take() };
}

/** The next write fails once; LevelDB itself would take the one after it. */
function failNextWrite(db: Level): void {
  const batches = Object.getPrototypeOf(db.batch());
  vi.spyOn(batches, 'write').mockRejectedValueOnce(new Error('no space'));
}

describe('The LevelDB writer after a failed write', () => {
  let folder: string;
  let db: Level;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graph-store-writer-'));
    db = await openLevel({ ...defaultLevelSettings, folder });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await db.close();
    await rm(folder, { recursive: true });
  });

  it('rejects what was being built and what still waited, and writes none of it', async () => {
    const replies: WriterReply[] = [];
    // One request a group: the first is being written, the second built, and the rest waits.
    const settings = { ...defaultLevelSettings, folder, windowBytesMax: 1 };
    const writer = await LevelWriter.open(db, settings, systemClock, (reply) => replies.push(reply));
    writer.submit({ kind: 'claim', id: 1, source: crashSource });
    await writer.drained();
    expect(replies.splice(0)).toEqual([{ kind: 'claimed', id: 1, claim: { epoch: 1, next: null } }]);

    failNextWrite(db);
    for (const number of [0, 1, 2, 3]) writer.submit(applyRequest(10 + number, 1, number));
    writer.submit({ kind: 'claim', id: 20, source: crashSource });
    await writer.drained();
    writer.submit(applyRequest(30, 1, 4));
    await writer.drained();

    const error = { reaction: 'outage', code: 'STORE_WRITE_FAILED' };
    expect(replies).toMatchObject([
      { kind: 'broken', error },
      ...[10, 11, 12, 13, 20, 30].map((id) => ({ kind: 'rejected', id, error })),
    ]);
    const row = must(await db.get(Buffer.from(positionKey(crashSource))), 'the claim was written');
    expect(decodePosition(row)).toMatchObject({ epoch: 1, next: null });
    expect(await db.keys({ gte: Buffer.from('g'), lt: Buffer.from('h') }).all()).toEqual([]);
  });
});
