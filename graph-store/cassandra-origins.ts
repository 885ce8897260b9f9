import { OutageError } from '../foundation/index.ts';
import type { CassandraConnection } from './cassandra-connection.ts';
import { integerOf, textOf } from './cassandra-values.ts';
import type { SourcePartition } from './graph-store.ts';
import { KnownOrigins, originText } from './known-origins.ts';
import { originsMax } from './lineage.ts';
import type { EventOrigin } from './model.ts';
import type { OriginOf } from './occurrence-page.ts';

/** Numbers in a row that other processes took first. */
const numberAttemptsMax = 20;

/** The origins that lineage names: in memory, and in a partition of their own. Bounded by `originsMax`. */
export class CassandraOrigins {
  readonly #connection: Pick<CassandraConnection, 'rows' | 'conditionally' | 'table'>;
  readonly #known = new KnownOrigins();

  constructor(connection: Pick<CassandraConnection, 'rows' | 'conditionally' | 'table'>) {
    this.#connection = connection;
  }

  async load(): Promise<void> {
    for (const [id, text] of await this.all()) this.#known.learn(id, text);
  }

  async all(): Promise<readonly (readonly [id: number, text: string])[]> {
    const found = await this.#connection.rows(
      `SELECT id, origin FROM ${this.#connection.table('origins')} WHERE part = 'graph'`,
    );
    return found.map((row) => [integerOf(row[0]), textOf(row[1])] as const);
  }

  /** Its id; 0 when there are too many. */
  async idOf(source: SourcePartition, origin: EventOrigin): Promise<number> {
    const text = originText(source, origin);
    for (let attempt = 0; attempt < numberAttemptsMax; attempt += 1) {
      const known = this.#known.idOf(text);
      if (known !== undefined) return known;
      // Behind the greatest, not by their count: a number that was left out would be taken each time anew.
      const id = this.#known.greatestId + 1;
      if (id > originsMax) return 0;
      if (await this.put(id, text)) return id;
      // Another process numbered one, perhaps this very one.
      await this.load();
    }
    throw new OutageError(
      'STORE_WRITE_FAILED',
      `Other processes numbered origins of the graph in Cassandra ${numberAttemptsMax} times in a row, or what they wrote cannot be read yet; try again.`,
    );
  }

  /** False when the number is taken. */
  async put(id: number, text: string): Promise<boolean> {
    const isPut = await this.#connection.conditionally(
      `INSERT INTO ${this.#connection.table('origins')} (part, id, origin) VALUES ('graph', ?, ?) IF NOT EXISTS`,
      [id, text],
    );
    if (isPut) this.#known.learn(id, text);
    return isPut;
  }

  async complete<T>(build: (originOf: OriginOf) => T): Promise<T> {
    return await this.#known.complete(build, () => this.load());
  }
}
