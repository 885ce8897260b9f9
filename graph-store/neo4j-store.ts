import {
  type Clock,
  hashes,
  type Random,
  RefusedError,
  type StopError,
  steadyTime,
} from '../foundation/index.ts';
import { digestRows } from './digest.ts';
import type { GraphDigest, GraphSnapshot, GraphStore, Restorable, Swept } from './graph-store.ts';
import { logicalRows } from './logical-rows.ts';
import { Neo4jConnection } from './neo4j-connection.ts';
import { Neo4jKeys } from './neo4j-keys.ts';
import { Neo4jOrigins } from './neo4j-origins.ts';
import { lockAllPositions } from './neo4j-positions.ts';
import { Neo4jReader } from './neo4j-reader.ts';
import { allRows } from './neo4j-rows.ts';
import { keepRules, lockRules, rulesOf } from './neo4j-rules.ts';
import { Neo4jRulesInForce } from './neo4j-rules-in-force.ts';
import { checkServer, Neo4jSchema, openStoreRow } from './neo4j-schema.ts';
import { defaultNeo4jSettings, type Neo4jSettings } from './neo4j-settings.ts';
import { restoreIncomplete, restoreRowsOf, takeSnapshot } from './neo4j-snapshot.ts';
import { lookForExpired, removeExpired } from './neo4j-sweep.ts';
import { Neo4jWriter, type WriterParts } from './neo4j-writer.ts';
import { NodeRowMerger } from './node-row.ts';
import { compareSources, statusOf } from './position.ts';
import { newestEventOf, RemovalMoment } from './removal-moment.ts';
import { ServerStore } from './server-store.ts';
import { Expiry, isKeptForEver, isSameTtl, type NextTimeToLive, type TimeToLive } from './time-to-live.ts';

const namespacePattern = /^[A-Za-z0-9_-]{1,32}$/;

/**
 * Opens the graph of a namespace in Neo4j, and makes it when there is none.
 *
 * Throws RefusedError NAMESPACE_INVALID; StopError (STORE_SERVER_UNSUPPORTED, STORE_FORBIDDEN, STORE_DATABASE_UNUSABLE, STORE_SCHEMA_REFUSED, STORE_FORMAT,
 * STORE_RESTORE_INCOMPLETE) or OutageError STORE_OPEN_FAILED.
 */
export async function openNeo4jStore(
  settings: Pick<Neo4jSettings, 'uri'> & Partial<Neo4jSettings>,
  clock: Clock,
  random: Random,
): Promise<Neo4jStore> {
  const complete = { ...defaultNeo4jSettings, ...settings };
  if (!namespacePattern.test(complete.namespace)) {
    throw new RefusedError(
      'NAMESPACE_INVALID',
      'A namespace in Neo4j takes 1 to 32 letters, digits, `_` and `-`; correct `neo4j.namespace`.',
    );
  }
  const connection = new Neo4jConnection(complete, clock, random);
  try {
    checkServer(await connection.serverAgent(), complete.uri);
    const schema = await Neo4jSchema.open(connection);
    const keys = new Neo4jKeys(complete.namespace);
    const stored = await openStoreRow(connection, keys);
    const { restoring } = stored;
    const mayGoOn = restoring !== null && restoring.id !== null && restoring.id === complete.resume;
    if (restoring !== null && !mayGoOn) throw restoreIncomplete(complete.namespace);
    const origins = new Neo4jOrigins(connection, keys);
    await connection.read((queries) => origins.load(queries));
    const { h32Raw } = await hashes();
    const hash = (bytes: Uint8Array): number => h32Raw(bytes);
    const parts = { connection, clock, schema, keys, origins, merger: new NodeRowMerger(), hash };
    const unrestored = restoring === null ? null : restoreIncomplete(complete.namespace);
    const rules = new Neo4jRulesInForce(connection, keys, steadyTime, rulesOf(stored.timeToLive));
    return new Neo4jStore(parts, clock, rules, unrestored);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

class Neo4jStore extends ServerStore implements GraphStore {
  readonly guarantee = 'atomic';
  protected readonly reader: Neo4jReader;
  protected readonly writer: Neo4jWriter;
  readonly #parts: WriterParts;
  readonly #clock: Clock;
  readonly #removal: RemovalMoment;
  readonly #rules: Neo4jRulesInForce;

  constructor(parts: WriterParts, clock: Clock, rules: Neo4jRulesInForce, unrestored: StopError | null) {
    const { connection, keys, origins } = parts;
    super({
      database: 'Neo4j',
      resume: connection.settings.resume,
      unrestored,
      disconnect: () => connection.close(),
    });
    this.#parts = parts;
    this.#clock = clock;
    this.#removal = new RemovalMoment(clock, async () => newestEventOf(await this.reader.sources()));
    this.#rules = rules;
    this.reader = new Neo4jReader(connection, keys, origins, rules, clock);
    this.writer = new Neo4jWriter(parts);
  }

  /** While it reads, nobody applies anything: Neo4j has no view of a graph at one moment. */
  async digest(): Promise<GraphDigest> {
    this.assertUsable();
    const { connection, keys } = this.#parts;
    return await this.writer.queue.exclusively(() =>
      connection.write(async (queries) => {
        const expiry = new Expiry(await lockRules(queries, keys), this.#clock.now());
        const positions = await lockAllPositions(queries, keys);
        const hex = await digestRows(logicalRows(allRows(queries, keys), expiry));
        return { hex, sources: positions.map(statusOf).sort(compareSources) };
      }, null),
    );
  }

  async snapshot(): Promise<GraphSnapshot> {
    this.assertUsable();
    return await this.writer.queue.exclusively(() => takeSnapshot(this.#parts));
  }

  async restore(snapshot: Restorable): Promise<void> {
    this.assertRestorable(snapshot);
    await this.writer.queue.exclusively(() =>
      restoreRowsOf(
        this.#parts,
        snapshot,
        (type) => this.writer.ensureEdgeType(type),
        () => {
          this.unrestored = restoreIncomplete(this.#parts.connection.settings.namespace);
        },
      ),
    );
    // It was there already, with whatever rules it has.
    if (this.unrestored === null) return;
    const { connection, origins } = this.#parts;
    await connection.read((queries) => origins.load(queries));
    this.#rules.put(snapshot.timeToLive);
    this.unrestored = null;
  }

  async setTimeToLive(next: NextTimeToLive): Promise<void> {
    this.assertUsable();
    const { connection, keys } = this.#parts;
    await this.writer.queue.exclusively(async () => {
      this.#rules.put(await connection.write((queries) => keepRules(queries, keys, next, [])));
    });
  }

  timeToLive(): TimeToLive {
    return this.#rules.rules;
  }

  async sweep(after: Uint8Array | null, rowsMax: number): Promise<Swept> {
    this.assertUsable();
    await this.#rules.fresh();
    const { rules } = this.#rules;
    if (isKeptForEver(rules)) return { scanned: 0, removed: 0, next: null };
    const { connection, keys } = this.#parts;
    const expiry = new Expiry(rules, await this.#removal.nowMs());
    const { expired, scanned, next } = await connection.readBesideCommits((queries) =>
      lookForExpired(queries, keys, expiry, after, rowsMax),
    );
    const done = await this.writer.queue.exclusively(() =>
      connection.write(async (queries) => {
        const stored = await lockRules(queries, keys);
        // Another process has set others meanwhile: what these hid may be shown again.
        if (!isSameTtl(stored, rules)) return { rules: stored, removed: null };
        const isNoted = expired.deleted.length === 0;
        const noted = isNoted ? stored : await keepRules(queries, keys, stored, expired.deleted);
        return { rules: noted, removed: await removeExpired(queries, expired) };
      }),
    );
    this.#rules.put(done.rules);
    return done.removed === null
      ? { scanned: 0, removed: 0, next: after, again: true }
      : { scanned, removed: done.removed, next };
  }
}
