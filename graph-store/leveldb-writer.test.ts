import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { must } from '../foundation/index.ts';
import { crashAdvance, crashBatch, crashSource } from './crash-testing-batches.ts';
import type { Level } from './leveldb-group.ts';
import { openLevel } from './leveldb-open.ts';
import { type ApplyRequest, defaultLevelSettings, type WriterReply } from './leveldb-protocol.ts';
import { LevelWriter } from './leveldb-writer.ts';
import { decodePosition, positionKey } from './position.ts';
import { rowKind } from './rows.ts';

function applyRequest(id: number, epoch: number, number: number): ApplyRequest {
  const { buffer, lengthBytes, origins } = crashBatch(number).take();
  return { kind: 'apply', id, ...crashAdvance(epoch, number), buffer, lengthBytes, origins };
}

/** The next write that holds a node row fails once; LevelDB itself would take the one after it. */
function failNextWrite(db: Level): void {
  const fail = ({ key }: { key: unknown }): void => {
    if (!Buffer.isBuffer(key) || key[0] !== 0x67 || key.at(-1) !== rowKind.node) return;
    db.hooks.prewrite.delete(fail);
    throw new Error('no space');
  };
  db.hooks.prewrite.add(fail);
}

describe('The LevelDB writer after a failed write', () => {
  let folder: string;
  let db: Level;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graph-store-writer-'));
    db = await openLevel({ ...defaultLevelSettings, folder });
  });
  afterEach(async () => {
    await db.close();
    await rm(folder, { recursive: true });
  });

  it('rejects what was being built and what still waited, and writes none of it', async () => {
    const replies: WriterReply[] = [];
    // One request a group: the first is being written, the second built, and the rest waits.
    const settings = { ...defaultLevelSettings, folder, groupBytesMax: 1 };
    const writer = await LevelWriter.open(db, settings, (reply) => replies.push(reply));
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
