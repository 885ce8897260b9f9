import type { SourcePartition } from './graph-store.ts';
import { KnownOrigins, originText } from './known-origins.ts';
import { originsMax } from './lineage.ts';
import type { EventOrigin } from './model.ts';
import type { Neo4jConnection, Queries } from './neo4j-connection.ts';
import type { Neo4jKeys } from './neo4j-keys.ts';
import { integerOf, textOf } from './neo4j-values.ts';
import type { OriginOf } from './occurrence-page.ts';

/** The origins that lineage names: in memory, and as `JgOrigin`, one transaction each when one is new. Bounded by `originsMax`. */
export class Neo4jOrigins {
  readonly #connection: Neo4jConnection;
  readonly #keys: Neo4jKeys;
  readonly #known = new KnownOrigins();

  constructor(connection: Neo4jConnection, keys: Neo4jKeys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async load(queries: Queries): Promise<void> {
    const found = await queries.run(
      'MATCH (o:JgOrigin) WHERE o.jgKey >= $gte AND o.jgKey < $lt RETURN o.id, o.origin',
      { ...this.#keys.all },
    );
    for (const row of found) this.#known.learn(integerOf(row.get(0)), textOf(row.get(1)));
  }

  /** Its id; 0 when there are too many. */
  async idOf(source: SourcePartition, origin: EventOrigin): Promise<number> {
    const text = originText(source, origin);
    const known = this.#known.idOf(text);
    if (known !== undefined) return known;
    if (this.#known.greatestId >= originsMax) return 0;
    const id = await this.#connection.write(async (queries) => {
      // Locked before it is looked: another process may be about to number the same origin.
      await queries.run('MATCH (s:JgStore {jgKey: $key}) SET s.jgLock = true', { key: this.#keys.store });
      const [row] = await queries.run(
        `MATCH (o:JgOrigin) WHERE o.jgKey >= $gte AND o.jgKey < $lt
         RETURN coalesce(max(o.id), 0), max(CASE WHEN o.origin = $text THEN o.id END)`,
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
    if (id > 0) this.#known.learn(id, text);
    return id;
  }

  /** In the transaction that read the rows, for one that waited for a second connection could wait for its own. */
  async complete<T>(queries: Queries, build: (originOf: OriginOf) => T): Promise<T> {
    return await this.#known.complete(build, () => this.load(queries));
  }
}
