import type { CassandraConnection } from './cassandra-connection.ts';
import { integerOf, textOf } from './cassandra-values.ts';
import type { SourcePartition } from './graph-store.ts';
import { type OriginRow, originsMax } from './lineage.ts';
import type { EventOrigin } from './model.ts';

/** The origins that lineage names: in memory, and in a partition of their own. Bounded by `originsMax`. */
export class CassandraOrigins {
  readonly #connection: CassandraConnection;
  readonly #ids = new Map<string, number>();
  readonly #rows = new Map<number, OriginRow>();

  constructor(connection: CassandraConnection) {
    this.#connection = connection;
  }

  async load(): Promise<void> {
    for (const [id, text] of await this.all()) this.#learn(id, text);
  }

  async all(): Promise<readonly (readonly [id: number, text: string])[]> {
    const found = await this.#connection.rows(
      `SELECT id, origin FROM ${this.#connection.table('origins')} WHERE part = 'graph'`,
    );
    return found.map((row) => [integerOf(row[0]), textOf(row[1])] as const);
  }

  /** Its id; 0 when there are too many. */
  async idOf(
    { cluster, topic, topicId }: SourcePartition,
    { schemaId, subject, version }: EventOrigin,
  ): Promise<number> {
    const text = JSON.stringify({ cluster, topic, topicId, schemaId, subject, version });
    // Each turn but the last finds one that another process numbered: there are only so many.
    for (;;) {
      const known = this.#ids.get(text);
      if (known !== undefined) return known;
      const id = this.#rows.size + 1;
      if (id > originsMax) return 0;
      if (await this.put(id, text)) return id;
      // Another process numbered one, perhaps this very one.
      await this.load();
    }
  }

  /** False when the number is taken. */
  async put(id: number, text: string): Promise<boolean> {
    const isPut = await this.#connection.conditionally(
      `INSERT INTO ${this.#connection.table('origins')} (part, id, origin) VALUES ('graph', ?, ?) IF NOT EXISTS`,
      [id, text],
    );
    if (isPut) this.#learn(id, text);
    return isPut;
  }

  /** What reading builds from rows: once more, when they name an origin that another process numbered since. */
  async complete<T>(build: (originOf: (id: number) => OriginRow | null) => T): Promise<T> {
    let missed = false;
    const built = build((id) => {
      const row = this.#rows.get(id);
      if (row === undefined) missed = true;
      return row ?? null;
    });
    if (!missed) return built;
    await this.load();
    return build((id) => this.#rows.get(id) ?? null);
  }

  #learn(id: number, text: string): void {
    this.#ids.set(text, id);
    this.#rows.set(id, JSON.parse(text));
  }
}
