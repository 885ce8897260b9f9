import { beforeEach, describe, expect, it } from 'vitest';
import { type Log, OutageError, StopError, silentLog } from '../foundation/index.ts';
import {
  AvroSchema,
  BundledRegistry,
  EventEncoder,
  type SchemaRegistry,
  wireLimitsDefault,
} from '../schemas/index.ts';
import { LookupTable } from './lookup-table.ts';
import { HandClock, HandTableSource, settle, tableSource } from './lookup-testing.ts';

const rowSchema = (name: string, ...fields: object[]): string =>
  JSON.stringify({ type: 'record', name, fields: [{ name: 'name', type: 'string' }, ...fields] });
const text = rowSchema('Title');
const schema = new AvroSchema(text);

let clock: HandClock;
let source: HandTableSource;
let registry: BundledRegistry;
let said: string[];
let ending: AbortController;

beforeEach(() => {
  clock = new HandClock();
  source = new HandTableSource();
  registry = BundledRegistry.of([]);
  said = [];
  ending = new AbortController();
});

const negativeMs = 30_000;

function start(
  bytesMax = 2 ** 20,
  over: SchemaRegistry = registry,
): { table: LookupTable; budget: { bytesMax: number; bytes: number } } {
  const budget = { bytesMax, bytes: 0 };
  const log: Log = { ...silentLog, warn: (_, message) => said.push(message) };
  const common = { clock, log, budget, wireLimits: wireLimitsDefault, negativeMs };
  const table = new LookupTable({ source, registry: over, ...common });
  void table.run(ending.signal);
  return { table, budget };
}

async function encoder(subject = 'titles.catalog-value', of = text): Promise<EventEncoder> {
  return new EventEncoder((await registry.register(subject, of)).schema.id, of);
}

/** The registry, but for what is said here. */
function registryWith(over: Partial<SchemaRegistry>): SchemaRegistry {
  return {
    schemaById: (id) => registry.schemaById(id),
    latest: (subject) => registry.latest(subject),
    versions: (subject) => registry.versions(subject),
    register: (subject, of) => registry.register(subject, of),
    close: async () => undefined,
    ...over,
  };
}

async function ready(over: SchemaRegistry = registry): Promise<LookupTable> {
  const { table } = start(2 ** 20, over);
  await source.handler.assigned(tableSource);
  await table.caughtUp();
  return table;
}

describe('a table', () => {
  it('is usable once it has been read to the end that it had when asked', async () => {
    const rows = await encoder();
    const { table } = start();
    source.reaches(3n);
    expect(await source.handler.assigned(tableSource)).toBeNull();
    let isCaughtUp = false;
    void table.caughtUp().then(() => {
      isCaughtUp = true;
    });
    await source.rows(['a', rows.encode({ name: 'A' })], ['b', rows.encode({ name: 'B' })]);
    expect([isCaughtUp, table.usable]).toEqual([false, false]);
    await source.rows(['a', rows.encode({ name: 'A2' })]);
    expect([isCaughtUp, table.usable]).toEqual([true, true]);
    expect(table.view(schema).row('a')).toEqual({ name: 'A2' });
    expect(table.view(schema).row('c')).toBeNull();
    await source.rows(['a', rows.encode({ name: 'A3' })]);
    expect(table.view(schema).row('a')).toEqual({ name: 'A3' });
    expect(table.status()).toMatchObject({ rows: 2, unreadable: 0 });
  });

  it.each([
    ['was never written to', 0n, 0n],
    ['lost all its records with age', 40n, 40n],
  ])('that %s is usable at once', async (_what, low, end) => {
    source.reaches(end, low);
    expect((await ready()).usable).toBe(true);
  });

  it('waits for each of its partitions', async () => {
    source.reaches(0n);
    source.reaches(1n, 0n, { ...tableSource, partition: 1 });
    const { table } = start();
    const behind = { code: 'LOOKUP_TABLE_BEHIND', reaction: 'outage' };
    const told = expect(table.caughtUp()).rejects.toMatchObject(behind);
    await settle();
    await clock.advance(2_000);
    await told;
  });

  it('has no row any more after a record without value', async () => {
    const rows = await encoder();
    const table = await ready();
    await source.rows(['a', rows.encode({ name: 'A' })], ['a', null], ['never', null]);
    expect(table.view(schema).row('a')).toBeNull();
    expect(table.status()).toMatchObject({ rows: 0, bytes: 0 });
  });

  it.each<[string, unknown, unknown, string]>([
    ['a text', 'string', 'ti-1', 'ti-1'],
    ['a long', 'long', 2n ** 60n, String(2n ** 60n)],
    [
      'an int in a record',
      { type: 'record', name: 'Key', fields: [{ name: 'id', type: 'int' }] },
      { id: 7 },
      '7',
    ],
    ['an enum', { type: 'enum', name: 'E', symbols: ['X', 'Y'] }, 'Y', 'Y'],
  ])('takes a key in Avro that is %s', async (_what, keySchema, value, key) => {
    const keys = await encoder('titles.catalog-key', JSON.stringify(keySchema));
    const rows = await encoder();
    const table = await ready();
    await source.rows([keys.encode(value), rows.encode({ name: 'A' })]);
    expect(table.view(schema).row(key)).toEqual({ name: 'A' });
    await source.rows([keys.encode(value), null]);
    expect(table.view(schema).row(key)).toBeNull();
  });

  it.each(['0000000000', '01'])('takes a key whose schema a header names, begun by %s', async (form) => {
    const keySchema = JSON.stringify({ type: 'record', name: 'Key', fields: [{ name: 'id', type: 'int' }] });
    const guid = '00112233-4455-6677-8899-aabbccddeeff';
    const { schema: registered } = await registry.register('titles.catalog-key', keySchema);
    const named = Buffer.from(form === '01' ? `01${guid.replaceAll('-', '')}` : form, 'hex');
    if (form !== '01') named.writeInt32BE(registered.id, 1);
    const headers = [{ key: '__key_schema_id', value: named }];
    const rows = await encoder();
    const table = await ready(
      registryWith({
        schemaByGuid: async (asked) => {
          expect(asked).toBe(guid);
          return registered;
        },
      }),
    );
    // Sixty-five is the letter A, too.
    const bare = Buffer.from([0x82, 0x01]);
    await source.rows([bare, rows.encode({ name: 'A' }), headers]);
    expect(table.view(schema).row('65')).toEqual({ name: 'A' });
    await source.rows([bare, null, headers]);
    expect(table.status()).toMatchObject({ rows: 0, unreadable: 0 });
    const wrong = [{ key: '__key_schema_id', value: Buffer.from([2]) }];
    await source.rows([bare, rows.encode({ name: 'A' }), wrong]);
    expect(table.status()).toMatchObject({ rows: 0, unreadable: 1 });
  });

  it('leaves out what has no key that could be named, counts it, and says so once', async () => {
    const twoFields = {
      type: 'record',
      name: 'Key',
      fields: [
        { name: 'a', type: 'int' },
        { name: 'b', type: 'int' },
      ],
    };
    const keys = await encoder('titles.catalog-key', JSON.stringify(twoFields));
    const rows = await encoder();
    const table = await ready();
    const row = rows.encode({ name: 'A' });
    await source.rows([keys.encode({ a: 1, b: 2 }), row], [Buffer.from([0xff, 0xfe]), row]);
    await source.rows([Buffer.from([0, 0, 0, 0, 1, 2]), row]);
    expect(table.status()).toMatchObject({ rows: 0, unreadable: 3 });
    expect(said).toHaveLength(1);
  });

  it('has no row where the newest record cannot be read, whatever the one before it said', async () => {
    const rows = await encoder();
    const other = await encoder('other-value', JSON.stringify({ type: 'record', name: 'Title', fields: [] }));
    const table = await ready();
    const good = rows.encode({ name: 'A' });
    await source.rows(['a', good], ['b', good], ['c', good], ['d', good]);
    await source.rows(
      ['a', Buffer.from('rubbish')],
      ['b', other.encode({})],
      ['c', Buffer.from([0, 0, 0, 9, 9, 1])],
      ['d', good.subarray(0, 6)],
    );
    const view = table.view(schema);
    expect(['a', 'b', 'c', 'd'].map((key) => view.row(key))).toEqual([null, null, null, null]);
    expect(table.status().unreadable).toBe(4);
    expect(view.row('d')).toBeNull();
    expect(table.status().unreadable).toBe(4);
  });

  it('is read by each mapping with the schema that it was compiled for', async () => {
    const newer = rowSchema('Title', { name: 'kind', type: 'string', default: 'FILM' });
    const rows = await encoder();
    const table = await ready();
    await source.rows(['a', rows.encode({ name: 'A' })]);
    expect(table.view(new AvroSchema(newer)).row('a')).toEqual({ name: 'A', kind: 'FILM' });
    expect(table.view(schema).row('a')).toEqual({ name: 'A' });
  });

  it('keeps what it decoded once for all mappings with one text of its schema', async () => {
    const table = await ready();
    expect(table.view(new AvroSchema(text))).toBe(table.view(schema));
    for (let number = 0; number < 40; number += 1) table.view(new AvroSchema(text));
    expect(table.view(schema)).toBe(table.view(new AvroSchema(text)));
  });

  describe('whose schema is registered after its rows were written', () => {
    const late = rowSchema('Title', { name: 'kind', type: 'string', default: 'FILM' });
    const encoded = async (of: string, value: unknown): Promise<Buffer> => {
      const { schema: registered } = await BundledRegistry.of([]).register('titles.catalog-value', of);
      return new EventEncoder(registered.id, of).encode(value);
    };

    it('has its rows once the registry is asked again, and wakes who waits for one', async () => {
      const table = await ready();
      const row = await encoded(late, { name: 'A', kind: 'GAME' });
      await source.rows(['a', row]);
      const view = table.view(schema);
      expect(view.row('a')).toBeNull();
      await encoder('titles.catalog-value', late);
      await clock.advance(negativeMs - 1);
      expect(view.row('a')).toBeNull();
      await settle();
      expect(view.row('a')).toBeNull();
      expect(table.status().unreadable).toBe(1);
      let woken = false;
      void table.arrival('a', clock.now() + 60_000, ending.signal).then(() => {
        woken = true;
      });
      await clock.advance(1);
      view.row('a');
      await settle();
      expect([view.row('a'), woken]).toEqual([{ name: 'A' }, true]);
    });

    it('takes later rows and keys of it without anybody asking for a row', async () => {
      const keyText = JSON.stringify('string');
      const key = await encoded(keyText, 'k');
      const row = await encoded(late, { name: 'A', kind: 'GAME' });
      const table = await ready();
      await source.rows([key, row]);
      expect(table.status()).toMatchObject({ rows: 0, unreadable: 1 });
      expect(said).toEqual([
        expect.stringMatching(/key was written with schema \d+, which the registry does/),
      ]);
      await encoder('titles.catalog-key', keyText);
      await encoder('titles.catalog-value', late);
      await source.rows([key, row]);
      expect(table.status()).toMatchObject({ rows: 0, unreadable: 2 });
      await clock.advance(negativeMs);
      await source.rows([key, row]);
      expect(table.view(schema).row('k')).toEqual({ name: 'A' });
    });

    it('asks again when the clock was set back', async () => {
      const table = await ready();
      const row = await encoded(late, { name: 'A', kind: 'GAME' });
      await source.rows(['a', row]);
      expect(table.view(schema).row('a')).toBeNull();
      await encoder('titles.catalog-value', late);
      clock.setBack(600_000);
      await source.rows(['a', row]);
      expect(table.view(schema).row('a')).toEqual({ name: 'A' });
    });

    it('asks once a while, and no sooner after an outage', async () => {
      let asked = 0;
      const outage = new OutageError('REGISTRY_UNREACHABLE', 'down');
      const answers: (() => Promise<never>)[] = [];
      const table = await ready(
        registryWith({
          schemaById: async (id) => {
            asked += 1;
            return (await answers.shift()?.()) ?? registry.schemaById(id);
          },
        }),
      );
      await source.rows(['a', await encoded(late, { name: 'A', kind: 'GAME' })]);
      const view = table.view(schema);
      const ask = async (): Promise<number> => {
        for (let time = 0; time < 3; time += 1) view.row('a');
        await settle();
        return asked;
      };
      expect(await ask()).toBe(1);
      answers.push(() => Promise.reject(outage));
      await clock.advance(negativeMs);
      expect([await ask(), await ask()]).toEqual([2, 2]);
      await clock.advance(negativeMs);
      expect([await ask(), await ask()]).toEqual([3, 3]);
    });
  });

  it('stops by name when all tables together take more than they may, and gives back what it took', async () => {
    const rows = await encoder();
    const { table, budget } = start(5_000);
    await source.handler.assigned(tableSource);
    const row = rows.encode({ name: 'x'.repeat(600) });
    for (let i = 0; i < 50; i += 1) await source.rows(['same', row]);
    expect(budget.bytes).toBeLessThan(1_300);
    const many = Array.from({ length: 10 }, (_, i) => [`key-${i}`, row] as const);
    const error = await source.rows(...many).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'LOOKUP_TABLE_FULL', reaction: 'stop' });
    if (error instanceof Error) source.fail(error);
    await settle();
    expect([table.usable, budget.bytes]).toEqual([false, 0]);
    await expect(table.caughtUp()).rejects.toMatchObject({ code: 'LOOKUP_TABLE_FULL' });
  });

  it('is not usable while it cannot be read, and says why', async () => {
    const table = await ready();
    source.handler.outage(new OutageError('KAFKA_UNAVAILABLE', 'No broker answers.'));
    expect(table.usable).toBe(false);
    await expect(table.caughtUp()).rejects.toMatchObject({
      code: 'LOOKUP_TABLE_UNREADABLE',
      message: expect.stringContaining('No broker answers'),
    });
  });

  it('is usable after an outage once it has what came meanwhile', async () => {
    const rows = await encoder();
    const table = await ready();
    source.handler.outage(new OutageError('KAFKA_UNAVAILABLE', 'No broker answers.'));
    source.reaches(1n);
    source.handler.outage(null);
    expect(table.usable).toBe(false);
    const caughtUp = table.caughtUp();
    await settle();
    expect(table.usable).toBe(false);
    await source.rows(['a', rows.encode({ name: 'A' })]);
    await caughtUp;
    expect(table.usable).toBe(true);
  });

  it('is usable again once it has what came while its partition was taken away, though no outage was told', async () => {
    const rows = await encoder();
    const table = await ready();
    source.handler.revoked(tableSource);
    expect(table.usable).toBe(false);
    let isCaughtUp = false;
    const caughtUp = table.caughtUp().then(() => {
      isCaughtUp = true;
    });
    await settle();
    source.reaches(1n);
    await source.handler.assigned(tableSource);
    await settle();
    expect([isCaughtUp, table.usable]).toEqual([false, false]);
    await source.rows(['a', rows.encode({ name: 'A' })]);
    await caughtUp;
    expect(table.usable).toBe(true);
  });

  it('is not caught up while any of its partitions is not read, and is at once when nothing came meanwhile', async () => {
    const table = await ready();
    await source.handler.assigned({ ...tableSource, partition: 1 });
    source.handler.revoked(tableSource);
    source.handler.revoked({ ...tableSource, partition: 1 });
    await source.handler.assigned({ ...tableSource, partition: 1 });
    let isCaughtUp = false;
    void table.caughtUp().then(() => {
      isCaughtUp = true;
    });
    await settle();
    expect([isCaughtUp, table.usable]).toEqual([false, false]);
    await source.handler.assigned(tableSource);
    await settle();
    expect([isCaughtUp, table.usable]).toEqual([true, true]);
  });

  it('waits for its end anew when a partition that was never taken away is assigned again', async () => {
    const table = await ready();
    source.reaches(1n);
    await source.handler.assigned(tableSource);
    expect(table.usable).toBe(false);
  });

  it('goes on where it was after an outage, and from the beginning of a topic that was made again', async () => {
    const rows = await encoder();
    const table = await ready();
    await source.rows(['a', rows.encode({ name: 'A' })], ['b', rows.encode({ name: 'B' })]);
    expect(await source.handler.assigned(tableSource)).toBe(2n);
    expect(table.status().rows).toBe(2);
    expect(await source.handler.assigned({ ...tableSource, topicId: 'second' })).toBeNull();
    expect(table.status()).toMatchObject({ rows: 0, bytes: 0 });
    expect(table.usable).toBe(false);
  });

  it('drops what was on its way when its topic was made again', async () => {
    const rows = await encoder();
    let answer = (): void => undefined;
    const table = await ready(
      registryWith({
        schemaById: async (id) => {
          await new Promise<void>((resolve) => {
            answer = resolve;
          });
          return registry.schemaById(id);
        },
      }),
    );
    const handed = source.rows(['a', rows.encode({ name: 'A' })]);
    await settle();
    const again = { ...tableSource, topicId: 'second' };
    expect(await source.handler.assigned(again)).toBeNull();
    answer();
    await handed;
    await source.rows(['b', rows.encode({ name: 'B' })]);
    expect(table.status().rows).toBe(0);
    expect(await source.handler.assigned(again)).toBeNull();
  });

  it('drops what was on its way through a long batch when its topic was made again', async () => {
    const rows = await encoder();
    const { table } = start(2 ** 24);
    await source.handler.assigned(tableSource);
    const row = rows.encode({ name: 'A' });
    const handed = source.rows(...Array.from({ length: 1_500 }, (_, i) => [`k${i}`, row] as const));
    while (table.status().rows < 1_000) await Promise.resolve();
    const again = { ...tableSource, topicId: 'second' };
    await source.handler.assigned(again);
    await handed;
    expect(table.status().rows).toBe(0);
    expect(await source.handler.assigned(again)).toBeNull();
  });

  it('passes over records that went with age, and stops where the log was truncated', async () => {
    const table = await ready();
    expect(source.handler.gap(tableSource, 3n, 9n)).toBe('skip');
    expect(await source.handler.assigned(tableSource)).toBe(9n);
    expect(source.handler.gap(tableSource, 9n, 2n)).toBe('stop');
    await expect(table.caughtUp()).rejects.toMatchObject({ code: 'LOOKUP_TABLE_TRUNCATED' });
    source.fail(new StopError('KAFKA_LOG_TRUNCATED', 'truncated'));
    await settle();
    await expect(table.caughtUp()).rejects.toMatchObject({ code: 'LOOKUP_TABLE_TRUNCATED' });
  });

  it('wakes who waits for a row when it comes, when it is time, and when nobody wants it any more', async () => {
    const rows = await encoder();
    const table = await ready();
    const woken: string[] = [];
    const gone = new AbortController();
    const wait = (key: string, signal = ending.signal): void =>
      void table.arrival(key, clock.now() + 500, signal).then(() => woken.push(key));
    wait('a');
    wait('b');
    wait('c', gone.signal);
    await source.rows(['x', rows.encode({ name: 'X' })], ['a', rows.encode({ name: 'A' })]);
    expect(woken).toEqual(['a']);
    gone.abort();
    await settle();
    expect(woken).toEqual(['a', 'c']);
    await clock.advance(499);
    expect(woken).toEqual(['a', 'c']);
    await clock.advance(1);
    expect(woken).toEqual(['a', 'c', 'b']);
    expect(table.status().waits).toBe(3);
  });
});
