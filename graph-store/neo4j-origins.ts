import type { SourcePartition } from './graph-store.ts';
import { type OriginRow, originsMax } from './lineage.ts';
import type { EventOrigin } from './model.ts';
import type { Neo4jConnection, Queries } from './neo4j-connection.ts';
import type { Neo4jKeys } from './neo4j-keys.ts';
import { integerOf, textOf } from './neo4j-values.ts';

/** The origins that lineage names: in memory, and as `JgOrigin`, one transaction each when one is new. Bounded by `originsMax`. */
export class Neo4jOrigins {
  readonly #connection: Neo4jConnection;
  readonly #keys: Neo4jKeys;
  readonly #ids = new Map<string, number>();
  readonly #rows = new Map<number, OriginRow>();

  constructor(connection: Neo4jConnection, keys: Neo4jKeys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async load(queries: Queries): Promise<void> {
    const found = await queries.run(
      'MATCH (o:JgOrigin) WHERE o.jgKey >= $gte AND o.jgKey < $lt RETURN o.id, o.origin',
      { ...this.#keys.all },
    );
    for (const row of found) this.#learn(integerOf(row.get(0)), textOf(row.get(1)));
  }

  /** Its id; 0 when there are too many. */
  async idOf(
    { cluster, topic, topicId }: SourcePartition,
    { schemaId, subject, version }: EventOrigin,
  ): Promise<number> {
    const text = JSON.stringify({ cluster, topic, topicId, schemaId, subject, version });
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    if (this.#ids.size >= originsMax) return 0;
    const id = await this.#connection.write(async (queries) => {
      // Locked before it is looked: another process may be about to number the same origin.
      await queries.run('MATCH (s:JgStore {jgKey: $key}) SET s.jgLock = true', { key: this.#keys.store });
      const [row] = await queries.run(
        `MATCH (o:JgOrigin) WHERE o.jgKey >= $gte AND o.jgKey < $lt
         RETURN count(o), max(CASE WHEN o.origin = $text THEN o.id END)`,
        { ...this.#keys.all, text },
      );
      const found = row?.get(1);
      if (typeof found === 'bigint') return Number(found);
      const next = integerOf(row?.get(0)) + 1;
      if (next > originsMax) return 0;
      await queries.run('CREATE (:JgOrigin {jgKey: $key, id: $id, origin: $text})', {
        key: this.#keys.origin(next),
        id: BigInt(next),
        text,
      });
      return next;
    });
    if (id > 0) this.#learn(id, text);
    return id;
  }

  /**
   * What reading builds from rows: once more, when they name an origin that another process numbered since. In the transaction that read
   * them, for one that waited for a second connection could wait for its own.
   */
  async complete<T>(queries: Queries, build: (originOf: (id: number) => OriginRow | null) => T): Promise<T> {
    let missed = false;
    const built = build((id) => {
      const row = this.#rows.get(id);
      if (row === undefined) missed = true;
      return row ?? null;
    });
    if (!missed) return built;
    await this.load(queries);
    return build((id) => this.#rows.get(id) ?? null);
  }

  #learn(id: number, text: string): void {
    this.#ids.set(text, id);
    this.#rows.set(id, JSON.parse(text));
  }
}
