import { createRequire } from 'node:module';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assert, JourneyGraphError } from '../foundation/index.ts';
import { type FetchDecoding, fetchVersions, readFetchResponse } from './fetch-response.ts';
import {
  batchBytes,
  responseBytes,
  type WrittenBatch,
  type WrittenPartition,
  type WrittenRecord,
} from './record-batch-testing.ts';

const decoding: FetchDecoding = {
  bytesMax: 2 ** 20,
  recordsMax: 10_000,
  unfold: async (_compression, compressed) => gunzipSync(compressed),
  readOldMessages: async () => ['old'],
};
const gzipped = { compression: 1, fold: (plain: Buffer) => gzipSync(plain) };

/** What kafkajs itself makes of an answer. */
async function byKafkajs(version: number, payload: Buffer): Promise<unknown> {
  const module: unknown = createRequire(import.meta.url)(
    `kafkajs/src/protocol/requests/fetch/v${version}/response.js`,
  );
  assert(typeof module === 'object' && module !== null && 'decode' in module, 'kafkajs decodes a fetch');
  assert(typeof module.decode === 'function', 'kafkajs decodes a fetch');
  return await Reflect.apply(module.decode, module, [payload]);
}

async function messagesOf(
  partition: Omit<WrittenPartition, 'partition'>,
  over: Partial<FetchDecoding> = {},
): Promise<readonly Record<string, unknown>[]> {
  const payload = responseBytes(11, [{ partition: 0, ...partition }]);
  const { responses } = await readFetchResponse(11, payload, { ...decoding, ...over });
  const messages = responses[0]?.partitions[0]?.messages ?? [];
  return messages.map((message) => Object.fromEntries(Object.entries(message ?? {})));
}

const shown = (messages: readonly Record<string, unknown>[]): readonly unknown[] =>
  messages.filter(({ isControlRecord }) => isControlRecord === false).map(({ offset }) => Number(offset));

const valued = (...deltas: readonly number[]): readonly WrittenRecord[] =>
  deltas.map((offsetDelta) => ({ offsetDelta, value: Buffer.from(`v${offsetDelta}`) }));

const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array));
const optional = fc.option(bytes, { nil: null });
const writtenRecord = fc.record({
  timestampDelta: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
  key: optional,
  value: optional,
  headers: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'id', 'längere'), optional), { maxLength: 5 }),
});
const writtenBatch = fc
  .record({
    records: fc.array(writtenRecord, { maxLength: 8, minLength: 1 }),
    baseTimestamp: fc.bigInt({ min: 0n, max: 2n ** 60n }),
    maxTimestamp: fc.bigInt({ min: 1n, max: 2n ** 60n }),
    isBrokerTime: fc.boolean(),
    how: fc.constantFrom({}, gzipped),
  })
  .map(({ records, how, ...batch }) => ({
    ...{ ...batch, ...how },
    records: records.map((record, offsetDelta) => ({ ...record, offsetDelta })),
  }));

describe('The answer to a fetch', () => {
  it.each(fetchVersions)('says in version %i what kafkajs reads in it', async (version) => {
    const many = fc.array(fc.array(writtenBatch, { maxLength: 3 }), { maxLength: 3 });
    const property = fc.asyncProperty(many, async (partitions) => {
      let baseOffset = 2n ** 53n - 5n;
      const written = partitions.map((batches, partition) => ({
        partition,
        bytes: Buffer.concat(
          batches.map((batch) => {
            const at = baseOffset;
            baseOffset += BigInt(batch.records.length);
            return batchBytes({ baseOffset: at, ...batch });
          }),
        ),
      }));
      const payload = responseBytes(version, written);
      const ours = await readFetchResponse(version, payload, decoding);
      expect(comparable(ours)).toEqual(comparable(await byKafkajs(version, payload)));
    });
    await fc.assert(property, { seed: 20261123, numRuns: 60 });
  });

  it('leaves what is in an older format to kafkajs', async () => {
    const old = Buffer.alloc(40);
    old.writeInt8(1, 16);
    const payload = responseBytes(4, [{ partition: 0, bytes: old }]);
    const { responses } = await readFetchResponse(4, payload, decoding);
    expect(responses[0]?.partitions[0]?.messages).toEqual(['old']);
  });

  it('ends before a batch that was cut off', async () => {
    const [first, second] = [0n, 3n].map((baseOffset) =>
      batchBytes({ baseOffset, records: valued(0, 1, 2) }),
    );
    const all = Buffer.concat([first ?? Buffer.alloc(0), second ?? Buffer.alloc(0)]);
    for (let cut = 1; cut <= (second?.length ?? 0); cut += 1)
      expect(shown(await messagesOf({ bytes: all.subarray(0, all.length - cut) }))).toEqual([0, 1, 2]);
    expect(shown(await messagesOf({ bytes: all }))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('covers the offsets that compaction took from the end of a batch', async () => {
    const messages = await messagesOf({
      bytes: batchBytes({ baseOffset: 10n, records: valued(1, 3), lastDelta: 9 }),
    });
    expect(shown(messages)).toEqual([11, 13]);
    expect(messages.at(-1)).toMatchObject({ offset: '19', isControlRecord: true });
  });
});

describe('Transactions in the answer to a fetch', () => {
  const of = (producerId: bigint, baseOffset: bigint, records: readonly WrittenRecord[]): Buffer =>
    batchBytes({ baseOffset, records, producerId, isTransactional: true });
  const marker = (producerId: bigint, baseOffset: bigint): Buffer =>
    batchBytes({
      ...{ baseOffset, producerId, isTransactional: true, isControl: true },
      // The version, and what happened: 0 for an abort.
      records: [{ offsetDelta: 0, key: Buffer.of(0, 0, 0, 0), value: Buffer.alloc(6) }],
    });
  const log = (...parts: readonly Buffer[]): Buffer => Buffer.concat(parts);

  it('are hidden that were aborted, also where the one that began last is named first', async () => {
    // 2 begins at 0, 1 at 2; 1 aborts at 4, 2 at 6: in this order the broker names them.
    const aborted = [
      { producerId: 1n, firstOffset: 2n },
      { producerId: 2n, firstOffset: 0n },
    ];
    const bytes = log(
      of(2n, 0n, valued(0, 1)),
      of(1n, 2n, valued(0, 1)),
      ...[marker(1n, 4n), of(2n, 5n, valued(0)), marker(2n, 6n)],
      of(1n, 7n, valued(0)),
    );
    expect(shown(await messagesOf({ aborted, bytes }))).toEqual([7]);
  });

  it('are hidden that were aborted and all begin before the first record', async () => {
    const aborted = [1n, 2n, 3n].map((producerId) => ({ producerId, firstOffset: producerId }));
    const bytes = log(
      ...[3n, 1n, 2n].map((producerId, index) => of(producerId, 10n + BigInt(index), valued(0))),
    );
    expect(shown(await messagesOf({ aborted, bytes }))).toEqual([]);
  });

  it('are hidden to their end, whatever keys their records have', async () => {
    const aborted = [{ producerId: 1n, firstOffset: 0n }];
    const zero = { offsetDelta: 0, key: Buffer.of(0, 0, 0, 0), value: Buffer.from('x') };
    const bytes = log(of(1n, 0n, [zero]), of(1n, 1n, valued(0, 1)), marker(1n, 3n), of(1n, 4n, [zero]));
    expect(shown(await messagesOf({ aborted, bytes }))).toEqual([4]);
  });

  it('hide neither what others wrote meanwhile nor what is written outside of one, and cover their offsets', async () => {
    const aborted = [{ producerId: 1n, firstOffset: 0n }];
    const plain = batchBytes({ baseOffset: 6n, records: valued(0), producerId: 1n });
    const bytes = log(of(1n, 0n, valued(0, 1, 2)), of(2n, 3n, valued(0, 1, 2)), plain, marker(1n, 7n));
    const messages = await messagesOf({ aborted, bytes });
    expect(shown(messages)).toEqual([3, 4, 5, 6]);
    expect(messages.map(({ offset }) => Number(offset))).toEqual([0, 2, 3, 4, 5, 6, 7]);
  });

  it('that are hidden are not unfolded', async () => {
    const unfold = async (): Promise<Buffer> => {
      throw new TypeError('nobody reads this');
    };
    const bytes = batchBytes({
      baseOffset: 0n,
      records: valued(0),
      producerId: 1n,
      isTransactional: true,
      ...gzipped,
    });
    expect(
      shown(await messagesOf({ aborted: [{ producerId: 1n, firstOffset: 0n }], bytes }, { unfold })),
    ).toEqual([]);
  });
});

describe('What an answer to a fetch may hold', () => {
  it('is bounded by what it unfolds to: what is behind that is for the next fetch', async () => {
    let unfolded = 0;
    const unfold = async (_compression: number, folded: Buffer): Promise<Buffer> => {
      unfolded += 1;
      return gunzipSync(folded);
    };
    const large = [{ offsetDelta: 0, value: Buffer.alloc(400_000) }];
    const batches = Array.from({ length: 50 }, (_, index) =>
      batchBytes({ baseOffset: BigInt(index), records: large, ...gzipped }),
    );
    const messages = await messagesOf({ bytes: Buffer.concat(batches) }, { unfold });
    expect(shown(messages)).toEqual([0, 1, 2]);
    expect(unfolded).toBe(3);
  });

  it('is bounded by its records, and so is one batch', async () => {
    const many = (count: number): Buffer =>
      batchBytes({ baseOffset: 0n, records: valued(...Array.from({ length: count }, (_, index) => index)) });
    const over = { recordsMax: 1_000 };
    const messages = await messagesOf({ bytes: Buffer.concat([many(900), many(900), many(900)]) }, over);
    expect(messages).toHaveLength(1_800);
    await expect(messagesOf({ bytes: many(1_001) }, over)).rejects.toMatchObject({
      code: 'KAFKA_BATCH_TOO_LARGE',
      context: { setting: 'decompressed.bytes.max' },
    });
  });

  it('is any number of headers, in time that grows with it', async () => {
    const headers = Array.from({ length: 100_000 }, (_, index) => [`h${index}`, null] as const);
    const same = Array.from({ length: 100_000 }, () => ['h', Buffer.of(1)] as const);
    const records = [
      { offsetDelta: 0, headers },
      { offsetDelta: 1, headers: [['__proto__', Buffer.of(7)] as const, ...same] },
    ];
    const [first, second] = await messagesOf(
      { bytes: batchBytes({ baseOffset: 0n, records }) },
      { recordsMax: 200_000 },
    );
    expect(Object.keys(Object(first?.['headers']))).toHaveLength(100_000);
    const found = Object.entries(Object(second?.['headers']));
    expect(found.map(([name, value]) => [name, Array.isArray(value) ? value.length : value])).toEqual([
      ['__proto__', Buffer.of(7)],
      ['h', 100_000],
    ]);
  });

  it('is no more headers of a batch than twice as many as it may have records', async () => {
    const headers = Array.from({ length: 150 }, () => ['', null] as const);
    const records = [0, 1].map((offsetDelta) => ({ offsetDelta, headers }));
    const bytes = batchBytes({ baseOffset: 0n, records });
    await expect(messagesOf({ bytes }, { recordsMax: 100 })).rejects.toMatchObject({
      code: 'KAFKA_BATCH_TOO_LARGE',
    });
    expect(await messagesOf({ bytes }, { recordsMax: 150 })).toHaveLength(2);
  });

  it('is no offset that lies behind the next one', async () => {
    for (const deltas of [
      [2, 1, 0],
      [0, 0, 0],
    ]) {
      const records = deltas.map((offsetDelta) => ({ offsetDelta }));
      const bytes = batchBytes({ baseOffset: 0n, records, lastDelta: 2 });
      await expect(messagesOf({ bytes })).rejects.toMatchObject({ code: 'KAFKA_BATCH_BROKEN' });
    }
  });

  it.each<readonly [string, Partial<WrittenBatch>]>([
    ['more records than it has', { count: 3 }],
    ['fewer than none', { count: -1 }],
    ['a record behind its end', { lastDelta: 0 }],
    ['an end before its beginning', { lastDelta: -1 }],
    ['a header without a name', { fold: () => Buffer.of(16, 0, 0, 0, 1, 1, 2, 1, 1), count: 1 }],
    ['a key of a negative length', { fold: () => Buffer.of(12, 0, 0, 0, 3, 1, 0), count: 1 }],
    ['a number without an end', { fold: () => Buffer.alloc(40, 0xff), count: 1 }],
  ])('is refused of a batch that says %s', async (_what, change) => {
    const bytes = batchBytes({ baseOffset: 0n, records: valued(0, 1), ...change });
    await expect(messagesOf({ bytes })).rejects.toMatchObject({
      code: 'KAFKA_BATCH_BROKEN',
      reaction: 'stop',
    });
  });

  it('is refused where a bit of a batch has turned', async () => {
    const whole = batchBytes({ baseOffset: 0n, records: valued(0, 1, 2) });
    for (let bit = 21 * 8; bit < whole.length * 8; bit += 5) {
      const turned = Buffer.from(whole);
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await expect(messagesOf({ bytes: turned })).rejects.toMatchObject({
        code: 'KAFKA_BATCH_BROKEN',
        message: expect.stringContaining('checksum'),
      });
    }
  });

  it('is read or refused by name, whatever its bytes are', async () => {
    const plain = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array));
    const batch = fc
      .tuple(plain, fc.integer({ min: -2, max: 20 }), fc.integer({ min: -2, max: 20 }))
      .map(([content, count, lastDelta]) =>
        batchBytes({ baseOffset: 5n, records: [], count, lastDelta, fold: () => content }),
      );
    const answer = fc.oneof(
      batch.map((bytes) => responseBytes(11, [{ partition: 0, bytes }])),
      fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array)),
    );
    const property = fc.asyncProperty(answer, async (payload) => {
      const read = await readFetchResponse(11, payload, decoding).catch((error: unknown) => error);
      if (read instanceof Error) {
        expect(read).toBeInstanceOf(JourneyGraphError);
        expect(read).toMatchObject({ code: expect.stringMatching(/^KAFKA_BATCH_/) });
      }
    });
    await fc.assert(property, { seed: 20261123, numRuns: 1_500 });
  });
});

/** Without what nobody looks at; headers with a prototype. */
function comparable(response: unknown): unknown {
  return JSON.parse(
    JSON.stringify(response, (name, value: unknown) =>
      name === 'batchContext' ? undefined : value,
    ).replaceAll('"abortedTransactions":null', '"abortedTransactions":[]'),
  );
}
