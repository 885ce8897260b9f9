import { describe, expect, it } from 'vitest';
import { alikeRows, type Statement } from './cassandra-connection.ts';
import { PartitionedWrites } from './cassandra-partitioned-writes.ts';

interface Sent {
  readonly statements: readonly Statement[];
  readonly routingKey: Buffer | Buffer[] | null;
}

/** Six ranges, on three pairs of nodes. */
const placeOf = (routingKey: Buffer | Buffer[]): string => {
  const [first] = Array.isArray(routingKey) ? routingKey : [routingKey];
  return ['a b', 'b c', 'a c'][(first?.[0] ?? 0) % 3] ?? '';
};

const statement = (range: number, text: string, bytes = 8): Statement => ({
  query: text,
  parameters: [Buffer.alloc(bytes, range)],
});

async function sentOf(
  rows: readonly (readonly [range: number, text: string, bytes?: number])[],
  place = placeOf,
): Promise<readonly Sent[]> {
  const writes = new PartitionedWrites();
  for (const [i, [range, text, bytes]] of rows.entries())
    writes.add('steps', [Buffer.of(range), Buffer.of(i)], statement(range, text, bytes));
  const sent: Sent[] = [];
  await writes.write({
    placeOf: place,
    write: async (statements, routingKey = null) => void sent.push({ statements, routingKey }),
  });
  return sent;
}

const placesIn = ({ statements, routingKey }: Sent): ReadonlySet<string> => {
  const keys = statements.flatMap(({ parameters: [bytes] }) => (Buffer.isBuffer(bytes) ? [bytes] : []));
  return new Set([...keys, routingKey ?? Buffer.alloc(0)].map((key) => placeOf(key)));
};

describe('Writes to partitions of several nodes', () => {
  const rows = Array.from({ length: 90 }, (_, i) => [i % 6, i % 5 === 0 ? 'two' : 'one'] as const);

  it('share a request with those of the same nodes alone, and go to one of these', async () => {
    const sent = await sentOf(rows);
    expect(sent.flatMap(({ statements }) => statements)).toHaveLength(90);
    for (const one of sent) expect(placesIn(one).size).toBe(1);
  });

  it('go as ten of one text first, and what is left over is mixed', async () => {
    const sent = await sentOf(rows);
    const texts = sent.map(({ statements }) => new Set(statements.map(({ query }) => query)).size);
    // 24 and 6 rows of each pair of nodes.
    expect(sent.map(({ statements }) => statements.length).sort((a, b) => b - a)).toEqual(
      Array.from({ length: 9 }, () => alikeRows),
    );
    expect(texts.filter((count) => count === 2)).toHaveLength(3);
  });

  it('are fewer requests where every node holds everything', async () => {
    const few = rows.slice(0, 12);
    expect(await sentOf(few)).toHaveLength(3);
    expect(await sentOf(few, () => '')).toHaveLength(2);
  });

  it('stay below the bytes of a batch that Cassandra warns of', async () => {
    const sent = await sentOf(Array.from({ length: 9 }, () => [0, 'one', 1_400] as const));
    expect(sent.map(({ statements }) => statements.length)).toEqual([3, 3, 3]);
  });

  it('all have an end before a failure is told', async () => {
    const writes = new PartitionedWrites();
    for (const range of [0, 1]) writes.add('steps', Buffer.of(range), statement(range, 'one'));
    const slow = Promise.withResolvers<void>();
    let ended = 0;
    const written = writes.write({
      placeOf,
      write: async ([one]) => {
        if (one?.parameters[0] instanceof Buffer && one.parameters[0][0] === 0) throw new Error('refused');
        await slow.promise;
        ended += 1;
      },
    });
    slow.resolve();
    await expect(written).rejects.toThrow('refused');
    expect(ended).toBe(1);
  });
});
