import {
  type Clock,
  hashes,
  type Log,
  type Random,
  type StopError,
  silentLog,
  steadyTime,
} from '../foundation/index.ts';
import { type BeforeWrite, CassandraConnection } from './cassandra-connection.ts';
import { CassandraKnowledge, restoreIncomplete } from './cassandra-knowledge.ts';
import { CassandraOrigins } from './cassandra-origins.ts';
import { CassandraPlacement } from './cassandra-placement.ts';
import { newestEventMs } from './cassandra-positions.ts';
import { CassandraReader } from './cassandra-reader.ts';
import { restoreRowsOf } from './cassandra-restore.ts';
import { allRows, spoolSnapshot } from './cassandra-rows.ts';
import { checkKeyspace, openSchema } from './cassandra-schema.ts';
import { type CassandraSettings, defaultCassandraSettings } from './cassandra-settings.ts';
import { sweepPage } from './cassandra-sweep.ts';
import { CassandraWriter, type WriterParts } from './cassandra-writer.ts';
import { digestRows } from './digest.ts';
import type {
  ClusterState,
  GraphDigest,
  GraphSnapshot,
  GraphStore,
  Restorable,
  Swept,
} from './graph-store.ts';
import { logicalRows } from './logical-rows.ts';
import { RemovalMoment } from './removal-moment.ts';
import { ServerStore } from './server-store.ts';
import { Expiry, isKeptForEver, type NextTimeToLive, type TimeToLive } from './time-to-live.ts';

/**
 * Opens the graph of a keyspace in Cassandra, and makes it when there is none.
 *
 * @throws RefusedError KEYSPACE_INVALID; StopError (STORE_SERVER_UNSUPPORTED, STORE_FORBIDDEN, STORE_DATABASE_UNUSABLE, STORE_SCHEMA_REFUSED,
 *   STORE_SCHEMA_INCOMPLETE, STORE_FORMAT, STORE_RESTORE_INCOMPLETE) or OutageError (STORE_OPEN_FAILED, STORE_SCHEMA_DISAGREED).
 */
export async function openCassandraStore(
  settings: Pick<CassandraSettings, 'contactPoints' | 'dataCenter'> & Partial<CassandraSettings>,
  clock: Clock,
  random: Random,
  log: Log = silentLog,
  beforeWrite?: BeforeWrite,
): Promise<CassandraStore> {
  const complete = { ...defaultCassandraSettings, ...settings };
  checkKeyspace(complete.keyspace);
  const connection = new CassandraConnection(complete, clock, random, beforeWrite, log);
  try {
    await connection.connect();
    for (const warning of await openSchema(connection, clock))
      log.warn({ keyspace: complete.keyspace }, warning);
    const { h32Raw } = await hashes();
    const hash = (bytes: Uint8Array): number => h32Raw(bytes);
    const knowledge = new CassandraKnowledge(connection, steadyTime);
    const origins = new CassandraOrigins(connection);
    const placement = new CassandraPlacement(connection, hash, log);
    await Promise.all([knowledge.refresh(), origins.load(), placement.load()]);
    const { restoring } = knowledge;
    const mayGoOn = restoring !== null && restoring.id !== null && restoring.id === complete.resume;
    const unrestored = restoring === null ? null : restoreIncomplete(complete.keyspace);
    if (unrestored !== null && !mayGoOn) throw unrestored;
    const expiry = (): Expiry => new Expiry(knowledge.rules, clock.now());
    const removals = (): Expiry => knowledge.removals(clock.now());
    const parts = { connection, knowledge, origins, placement, clock, hash, expiry, removals };
    return new CassandraStore(parts, unrestored);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

class CassandraStore extends ServerStore implements GraphStore {
  readonly guarantee = 'idempotent';
  protected readonly reader: CassandraReader;
  protected readonly writer: CassandraWriter;
  readonly cluster = (): ClusterState => this.#parts.connection.clusterState();
  readonly #parts: WriterParts;
  readonly #removal: RemovalMoment;

  constructor(parts: WriterParts, unrestored: StopError | null) {
    const { connection, clock } = parts;
    super({
      database: 'Cassandra',
      resume: connection.settings.resume,
      unrestored,
      disconnect: () => connection.close(),
    });
    this.#parts = parts;
    this.#removal = new RemovalMoment(clock, () => newestEventMs(connection));
    this.reader = new CassandraReader(parts);
    this.writer = new CassandraWriter(parts);
  }

  /** While it reads, this process applies nothing. Of what others apply meanwhile, more than the positions say may be in it. */
  async digest(): Promise<GraphDigest> {
    this.assertUsable();
    return await this.writer.queue.exclusively(async () => {
      const { connection, expiry, knowledge } = this.#parts;
      await knowledge.refresh();
      const sources = await this.reader.sources();
      return { hex: await digestRows(logicalRows(allRows(connection), expiry())), sources };
    });
  }

  /** As `digest`: positions first, then rows, then the origins that these name, so that going on from the positions gives the whole graph whoever writes meanwhile. */
  async snapshot(): Promise<GraphSnapshot> {
    this.assertUsable();
    return await this.writer.queue.exclusively(async () => {
      const { connection, origins, knowledge } = this.#parts;
      const sources = await this.reader.sources();
      await using spooling = new AsyncDisposableStack();
      const spooled = spooling.use(await spoolSnapshot(connection, origins));
      // Behind the rows: a tombstone that another process swept meanwhile is missing in them, and only the rules say so, which it set before.
      await knowledge.refresh();
      const kept = spooling.move();
      return {
        sources,
        timeToLive: knowledge.rules,
        rows: () => spooled.rows(),
        [Symbol.asyncDispose]: () => kept.disposeAsync(),
      };
    });
  }

  async restore(snapshot: Restorable): Promise<void> {
    this.assertRestorable(snapshot);
    await this.writer.queue.exclusively(() =>
      restoreRowsOf(this.#parts, this.writer, snapshot, () => {
        this.unrestored = restoreIncomplete(this.#parts.connection.settings.keyspace);
      }),
    );
    this.unrestored = null;
  }

  async setTimeToLive(next: NextTimeToLive): Promise<void> {
    this.assertUsable();
    await this.writer.queue.exclusively(() => this.#parts.knowledge.setRules(next));
  }

  timeToLive(): TimeToLive {
    return this.#parts.knowledge.rules;
  }

  async sweep(after: Uint8Array | null, rowsMax: number): Promise<Swept> {
    this.assertUsable();
    const { connection, knowledge } = this.#parts;
    return await this.writer.queue.exclusively(async () => {
      // A process that is sent no events reads nothing else: longer rules that another one set would come to it too late.
      await knowledge.refresh();
      if (isKeptForEver(knowledge.rules)) return { scanned: 0, removed: 0, next: null };
      if (after === null) await knowledge.beginPass();
      const nowMs = await this.#removal.nowMs();
      await knowledge.removesUntil(nowMs);
      const expiry = new Expiry(knowledge.rules, nowMs);
      const page = await sweepPage(connection, expiry, knowledge.life, after, rowsMax, (removed) =>
        knowledge.tombstonesGo(removed),
      );
      if (page.removedNodes) this.writer.forgetNodes();
      const { scanned, removed, next } = page;
      return { scanned, removed, next };
    });
  }
}
