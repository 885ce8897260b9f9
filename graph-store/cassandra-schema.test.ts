import cassandra from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import { type Clock, OutageError } from '../foundation/index.ts';
import { cassandraFormat, openSchema, type SchemaConnection } from './cassandra-schema.ts';
import { defaultCassandraSettings } from './cassandra-settings.ts';
import { tableNames } from './cassandra-tables.ts';

const clock: Clock = { now: () => 0, sleep: () => Promise.resolve() };
const readFailed = (): OutageError => new OutageError('STORE_READ_FAILED', 'an invented failure');

/** Three nodes, of which one takes a while to hear of what is defined. */
class Cluster {
  readonly tables = new Set<string>();
  readonly meta = new Map<string, string>();
  /** In the order in which it was done. */
  readonly done: string[] = [];
  /** So many looks from the newest definition on find a node that has not heard of it. */
  looksBehind = 0;
  /** Whether processes that run beside this one agree to it. */
  isRead: () => boolean = () => true;
  slow = { address: '10.0.0.3', dataCenter: 'dc1' };
  #left = 0;

  get isAgreed(): boolean {
    return this.#left === 0;
  }

  /** What another process did before. */
  defineElsewhere(...tables: readonly string[]): void {
    for (const table of tables) this.tables.add(table);
    this.#left = this.looksBehind;
  }

  process(mark: string): SchemaConnection {
    return {
      settings: { ...defaultCassandraSettings, contactPoints: ['a:1'], dataCenter: 'dc1' },
      where: 'a:1',
      table: (name) => `journey_graph.${name}`,
      nodeVersions: () => ['5.0.5'],
      nodesInDataCenter: () => 3,
      learnCopies: () => undefined,
      mark: () => mark,
      nodesBehind: () => {
        this.#left = Math.max(0, this.#left - 1);
        return Promise.resolve(this.isAgreed ? [] : [this.slow]);
      },
      rows: async (query) => this.#rows(query),
      define: async (query) => {
        const [, name = ''] = /journey_graph\.(\w+)/.exec(query) ?? [];
        if (this.tables.has(name)) return;
        this.defineElsewhere(name);
        this.done.push(name);
      },
      conditionally: async (query, [value]) => this.#condition(query, String(value)),
    };
  }

  #rows(query: string): readonly (readonly unknown[])[] {
    if (query.includes('system_schema.keyspaces')) return [[new Map([['dc1', '3']])]];
    if (query.includes('system_schema.tables')) return [...this.tables].map((name) => [name]);
    if (!this.isAgreed || !this.isRead()) throw readFailed();
    return [...this.meta];
  }

  #condition(query: string, value: string): boolean {
    const name = query.includes("'migration'") ? 'migration' : 'format';
    this.done.push(`${query.slice(0, 6)} ${name}`);
    if (!this.isAgreed && name === 'format') throw new Error('a format before all nodes have the tables');
    if (query.startsWith('INSERT')) {
      if (this.meta.has(name)) return false;
      this.meta.set(name, value);
      return true;
    }
    if (query.includes('IF value') && this.meta.get(name) !== value) return false;
    return this.meta.delete(name);
  }
}

describe('Opening a keyspace', () => {
  it('says that tables are whole when every node has them, and marks the making once all agree', async () => {
    const cluster = new Cluster();
    cluster.looksBehind = 5;
    await openSchema(cluster.process('one'), clock);
    expect(cluster.done).toEqual([
      'meta',
      'INSERT migration',
      ...['nodes', 'steps', 'edges_out', 'edges_in', 'edge_tombstones', 'buckets', 'marks'],
      ...['positions', 'claims', 'origins'],
      'INSERT format',
      'DELETE migration',
    ]);
    expect(cluster.meta).toEqual(new Map([['format', cassandraFormat]]));
  });

  it('goes on where a read fails at a node that has not heard of what another process made', async () => {
    const cluster = new Cluster();
    cluster.looksBehind = 4;
    cluster.defineElsewhere('meta');
    await openSchema(cluster.process('late'), clock);
    expect([...cluster.tables].sort()).toEqual(['meta', ...tableNames].sort());
  });

  it('waits for the process that makes the tables, and then looks at nothing that nodes may lack', async () => {
    const cluster = new Cluster();
    cluster.defineElsewhere('meta');
    cluster.meta.set('migration', 'another');
    let slept = 0;
    const sleep = async (): Promise<void> => {
      slept += 1;
      if (slept < 3) return;
      cluster.defineElsewhere(...tableNames);
      cluster.meta.set('format', cassandraFormat).delete('migration');
    };
    await openSchema(cluster.process('late'), { ...clock, sleep });
    expect(slept).toBe(3);
    expect(cluster.done).toEqual([]);
  });

  it('goes on where the node that makes the first table lists it and has told nobody of it', async () => {
    const cluster = new Cluster();
    cluster.defineElsewhere('meta');
    let making = 3;
    cluster.isRead = () => making === 0;
    const sleep = async (): Promise<void> => {
      making -= 1;
    };
    await openSchema(cluster.process('late'), { ...clock, sleep });
    expect(making).toBe(0);
    expect(cluster.meta.get('format')).toBe(cassandraFormat);
  });

  it('is the outage that it is where nodes agree and cannot be read', async () => {
    const cluster = new Cluster();
    cluster.defineElsewhere('meta', ...tableNames);
    cluster.isRead = () => false;
    let slept = 0;
    const sleep = async (): Promise<void> => {
      slept += 1;
    };
    await expect(openSchema(cluster.process('one'), { ...clock, sleep })).rejects.toMatchObject({
      code: 'STORE_READ_FAILED',
    });
    expect(slept).toBe(10);
  });

  it('gives up in bounded time where a node never hears of the tables, names it, and lets the next start go on', async () => {
    const cluster = new Cluster();
    let slept = 0;
    const sleep = async (): Promise<void> => {
      slept += 1;
    };
    const patient = { ...clock, sleep };
    const process = cluster.process('one');
    const define = async (query: string): Promise<void> => {
      if (query.includes('.origins')) cluster.looksBehind = Number.POSITIVE_INFINITY;
      await process.define(query);
    };
    await expect(openSchema({ ...process, define }, patient)).rejects.toMatchObject({
      code: 'STORE_SCHEMA_DISAGREED',
      reaction: 'outage',
      message: expect.stringMatching(/\(10\.0\.0\.3\);.* have one schema version\.$/),
    });
    expect(slept).toBe(600);
    expect(cluster.meta).toEqual(new Map());
    cluster.looksBehind = 0;
    cluster.defineElsewhere();
    await openSchema(cluster.process('two'), clock);
    expect(cluster.meta.get('format')).toBe(cassandraFormat);
  });

  it('says of a node of another data center that it is waited for even where it was down before', async () => {
    const cluster = new Cluster();
    cluster.looksBehind = Number.POSITIVE_INFINITY;
    cluster.slow = { address: '10.1.0.7', dataCenter: 'dc2' };
    await expect(openSchema(cluster.process('one'), clock)).rejects.toMatchObject({
      code: 'STORE_SCHEMA_DISAGREED',
      message: expect.stringMatching(
        /\(10\.1\.0\.7 of dc2\);.* when it is back, or removed from the cluster\.$/,
      ),
    });
    expect(cluster.done).toEqual(['meta']);
  });

  it('names the nodes, and no statement to run, where it cannot be read because they disagree', async () => {
    const cluster = new Cluster();
    cluster.looksBehind = Number.POSITIVE_INFINITY;
    cluster.defineElsewhere('meta');
    await expect(openSchema(cluster.process('late'), clock)).rejects.toMatchObject({
      code: 'STORE_SCHEMA_DISAGREED',
    });
  });

  it('waits as well where the node that is asked has not heard of a table which another one listed', async () => {
    const cluster = new Cluster();
    cluster.defineElsewhere('meta');
    let unheard = 2;
    cluster.isRead = () => {
      if (unheard === 0) return true;
      unheard -= 1;
      const { invalid } = cassandra.types.responseErrorCodes;
      throw new cassandra.errors.ResponseError(invalid, 'table meta does not exist');
    };
    await openSchema(cluster.process('late'), clock);
    expect(unheard).toBe(0);
    expect(cluster.meta.get('format')).toBe(cassandraFormat);
  });
});
