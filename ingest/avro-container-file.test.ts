import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isContainerFile } from '../archive/index.ts';
import { readContainerFile } from './avro-container-file.ts';

/** Written by other tools: Java's Avro (null, snappy, zstandard) and Python's fastavro (deflate, bzip2). */
const fixture = (codec: string): string => join(import.meta.dirname, 'fixtures', `rides-${codec}.avro`);

async function read(file: string): Promise<readonly unknown[]> {
  const events: unknown[] = [];
  for await (const { index, writer, bytes } of readContainerFile(file))
    events.push([index, writer.type.fromBuffer(bytes)]);
  return events;
}

function changed(change: (bytes: Buffer) => Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'journey-graph-container-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'rides.avro');
  writeFileSync(file, change(readFileSync(fixture('null'))));
  return file;
}

describe('a container file', () => {
  it.each(['null', 'deflate', 'snappy', 'zstandard'])('is read with the codec %s', async (codec) => {
    expect(isContainerFile(readFileSync(fixture(codec)))).toBe(true);
    const events = await read(fixture(codec));
    expect(events).toHaveLength(5);
    expect(events[3]).toEqual([3, { at: 1_780_272_000_003n, rider: 'r-3', city: null }]);
    expect(events[4]).toEqual([4, { at: 1_780_272_000_004n, rider: 'r-4', city: 'Oslo' }]);
  });

  it('says which codecs there are instead of one that is not known', async () => {
    await expect(read(fixture('bzip2'))).rejects.toThrow(
      /is compressed with bzip2: write it with one of null/,
    );
  });

  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['is cut', (bytes) => bytes.subarray(0, -5), /ends in the middle/],
    ['is cut in its header', (bytes) => bytes.subarray(0, 40), /ends in the middle|damaged/],
    [
      'has another mark behind a block',
      (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.of(99)]),
      /damaged/,
    ],
    ['is followed by rubbish', (bytes) => Buffer.concat([bytes, Buffer.alloc(40, 255)]), /damaged/],
    [
      'claims a long header',
      (bytes) => Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(9, 254)]),
      /damaged/,
    ],
  ])('that %s is refused with its place', async (_what, change, reason) => {
    const reading = read(changed(change));
    await expect(reading).rejects.toMatchObject({ code: 'SAMPLES_UNREADABLE' });
    await expect(reading).rejects.toThrow(reason);
  });
});
