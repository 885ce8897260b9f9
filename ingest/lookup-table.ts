import {
  BadDataError,
  type Clock,
  isAhead,
  JourneyGraphError,
  type Log,
  OutageError,
  StopError,
} from '../foundation/index.ts';
import type { SourcePartition } from '../graph-store/index.ts';
import type { AvroSchema, SchemaRegistry, WireLimits } from '../schemas/index.ts';
import { type Framing, readFraming } from './confluent-framing.ts';
import { asJourneyGraphError } from './error-classifier.ts';
import type { EventSource, SourceBatch, SourceEnd, SourceHandler, SourceRecord } from './event-source.ts';
import { keyFraming, keyText, LookupSchemas, type RowWriter } from './lookup-schemas.ts';
import { type EncodedRow, LookupView, type RowKeeper } from './lookup-view.ts';

/** What all tables of a process keep together. */
export interface LookupBudget {
  readonly bytesMax: number;
  bytes: number;
}

export interface LookupTableParts {
  /** This table's alone, and of all partitions: a process that read only some would miss the rows of the others. */
  readonly source: EventSource;
  readonly registry: SchemaRegistry;
  readonly clock: Clock;
  readonly log: Log;
  readonly budget: LookupBudget;
  readonly wireLimits: WireLimits;
  /** How long a schema that the registry does not know is not asked for again, milliseconds; above zero. */
  readonly negativeMs: number;
}

export interface LookupTableStatus {
  readonly topic: string;
  /** See {@link LookupTable.usable}. */
  readonly usable: boolean;
  readonly rows: number;
  readonly bytes: number;
  /** Lookups of rows that were not there when their event was decided about. */
  readonly missing: number;
  /** How often an event began to wait for a row. */
  readonly waits: number;
  /** Records whose key or row could not be read. */
  readonly unreadable: number;
}

/** What a row takes beside its bytes and its key, measured: 340 in V8's account (the map's entry, two objects, a buffer), 600 of the process. */
const rowBytes = 600;
/** How long somebody waits for the table before being told that it is still being read. */
const patienceMs = 2_000;
const recordsBetweenTurns = 1_000;
/** Schemas that mappings read the same table with, most recent last. */
const viewsMax = 16;

/**
 * The newest row of each key of a compacted topic, in memory, read from its beginning by each process and followed from then on.
 * Nothing of it is written anywhere: a row is as durable as the topic.
 *
 * A record without a value deletes its key's row. A key is UTF-8 text, or a Confluent-framed Avro value that is a text, an enum, an int
 * or a long, or a record of one such field. A row that cannot be read is none, counted and said once. One whose schema the registry
 * does not know can be read once it does; a record whose key's schema it does not know is passed over.
 */
export class LookupTable implements SourceHandler, RowKeeper {
  readonly topic: string;
  readonly #parts: LookupTableParts;
  readonly #schemas: LookupSchemas;
  readonly #rows = new Map<string, EncodedRow>();
  /** By the schema's text: mappings that are compiled at different times get it in objects of their own. */
  readonly #views = new Map<string, LookupView>();
  readonly #positions = new Map<number, bigint>();
  /** Partitions that were taken from us and not given back. */
  readonly #unread = new Set<number>();
  /** Counts what was given and taken. */
  #assignments = 0;
  /** Who waits for a key's row. */
  readonly #waiting = new Map<string, Set<AbortController>>();
  /** Who waits for anything. */
  readonly #watching = new Set<AbortController>();
  #signal: AbortSignal | undefined;
  /** The topic's id; null before a partition was assigned. */
  #life: string | null = null;
  #ready = false;
  #outage: Error | null = null;
  #stopped: StopError | null = null;
  #bytes = 0;
  #unreadable = 0;
  #missing = 0;
  #waits = 0;

  constructor(parts: LookupTableParts) {
    this.topic = parts.source.topic;
    this.#parts = parts;
    const { registry, clock, negativeMs, wireLimits: limits } = parts;
    this.#schemas = new LookupSchemas({ registry, clock, negativeMs, limits });
  }

  /** Called once; resolves when `signal` aborts or the table can be read no more. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    try {
      await this.#parts.source.run(this, signal);
    } catch (error) {
      this.#stop(error);
    }
    this.#wakeAll();
  }

  /** True while rows can be asked for: it is being read, and has been read to its end since it could not be. */
  get usable(): boolean {
    return this.#ready && this.#outage === null && this.#stopped === null;
  }

  /**
   * Resolves once the table has been read up to the end that it has now, or `signal` aborts.
   *
   * @throws {OutageError} when it cannot be read now, or takes longer than two seconds: ask again.
   * @throws {StopError} when a person must act: `LOOKUP_TABLE_FULL`, or what the source says.
   */
  async caughtUp(signal?: AbortSignal): Promise<void> {
    const { clock, source } = this.#parts;
    let ends: readonly SourceEnd[] = [];
    let askedAt = -1;
    const untilMs = clock.now() + patienceMs;
    while (signal?.aborted !== true) {
      if (this.#stopped !== null) throw this.#stopped;
      if (askedAt !== this.#assignments) {
        // An end from before says nothing of what came while nobody read.
        askedAt = this.#assignments;
        ends = await source.ends();
        continue;
      }
      if (this.#outage === null && this.#unread.size === 0 && this.#reached(ends)) {
        this.#becomeReady();
        return;
      }
      const leftMs = untilMs - clock.now();
      if (this.#outage !== null || !isAhead(untilMs, patienceMs, clock.now())) throw this.#notYet();
      await this.#sleep(this.#watching, leftMs, signal);
    }
  }

  /** Rows as they are read with this schema. */
  view(schema: AvroSchema): LookupView {
    const known = this.#views.get(schema.text);
    if (known !== undefined) return known;
    const [oldest] = this.#views.keys();
    if (this.#views.size >= viewsMax && oldest !== undefined) this.#views.delete(oldest);
    const view = new LookupView(this, schema, this.#parts.wireLimits);
    this.#views.set(schema.text, view);
    return view;
  }

  encoded(key: string): EncodedRow | null {
    return this.#rows.get(key) ?? null;
  }

  /** Resolves when the key gets a row, at `untilMs`, when the table has an outage or stops, or when `signal` aborts. */
  async arrival(key: string, untilMs: number, signal: AbortSignal): Promise<void> {
    this.#waits += 1;
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting);
    await this.#sleep(waiting, Math.max(0, untilMs - this.#parts.clock.now()), signal);
    if (waiting.size === 0) this.#waiting.delete(key);
  }

  unreadable(error: BadDataError): void {
    const { topic } = this;
    this.#unreadable += 1;
    const fields = { topic, code: error.code, unreadable: this.#unreadable };
    const message = `The table ${topic} holds what cannot be read, and counts it as missing: ${error.message}`;
    this.#parts.log[this.#unreadable === 1 ? 'warn' : 'debug'](fields, message);
  }

  /** Nobody waits for the answer: those who wait for a row are woken when it is there. */
  wantWriter(writer: RowWriter): void {
    void this.#learnAgain(writer);
  }

  /** An event was decided about without its row. */
  noteMissing(): void {
    this.#missing += 1;
  }

  status(): LookupTableStatus {
    return {
      topic: this.topic,
      usable: this.usable,
      rows: this.#rows.size,
      bytes: this.#bytes,
      missing: this.#missing,
      waits: this.#waits,
      unreadable: this.#unreadable,
    };
  }

  async assigned({ topicId, partition }: SourcePartition): Promise<bigint | null> {
    if (this.#life !== topicId) {
      if (this.#life !== null) this.#clear();
      this.#life = topicId;
    }
    this.#unread.delete(partition);
    this.#readAnew();
    wake(this.#watching);
    return this.#positions.get(partition) ?? null;
  }

  /** No outage is told of the seconds of an election, nor of a consumer that hung and is replaced, but this is. */
  revoked({ topicId, partition }: SourcePartition): void {
    if (this.#life !== topicId) return;
    this.#unread.add(partition);
    this.#readAnew();
  }

  async batch({ source, records, next }: SourceBatch): Promise<void> {
    if (this.#isGone(source)) return;
    for (const [index, record] of records.entries()) {
      for (let unknown = this.#put(record); unknown !== null; unknown = this.#put(record)) {
        await this.#schemas.learn(unknown, this.#signal);
        if (this.#isGone(source)) return;
      }
      if (index % recordsBetweenTurns !== recordsBetweenTurns - 1) continue;
      await this.#parts.clock.sleep(0);
      if (this.#isGone(source)) return;
    }
    this.#positions.set(source.partition, next);
    wake(this.#watching);
  }

  gap({ partition }: SourcePartition, expected: bigint, found: bigint): 'stop' | 'skip' {
    const { topic } = this;
    if (found < expected) {
      const message = `Partition ${partition} of the table ${topic} ends at offset ${found} and was read up to ${expected}: its log was truncated. Start again to read it anew.`;
      this.#stop(new StopError('LOOKUP_TABLE_TRUNCATED', message, { context: { topic, partition } }));
      return 'stop';
    }
    // Compaction leaves no gap: these were deleted by age, and with them perhaps the deletion of a row.
    const message = `Records ${expected} to ${found - 1n} of partition ${partition} of the table ${topic} are gone: rows that they deleted may still be there.`;
    this.#parts.log.warn({ topic, partition, expected, found }, message);
    this.#positions.set(partition, found);
    return 'skip';
  }

  outage(error: Error | null): void {
    this.#outage = error;
    if (error === null) return;
    this.#readAnew();
    this.#wakeAll();
  }

  /** The topic was made again, or the table is read no more: what was on the way belongs nowhere. */
  #isGone({ topicId }: SourcePartition): boolean {
    return this.#stopped !== null || (this.#life !== null && this.#life !== topicId);
  }

  /** Names the schema that has to be learned first; null when it is done. */
  #put({ key, value, headers }: SourceRecord): Framing | null {
    const name = this.#keyOf(key, headers);
    if (name instanceof BadDataError) {
      this.unreadable(name);
      return null;
    }
    if (typeof name !== 'string') return name;
    const framing = value === null ? null : this.#framingOf(value, headers);
    if (value === null || framing === null) {
      // Whatever it says, the row before it holds no more.
      this.#remove(name);
      return null;
    }
    const writer = this.#schemas.writer(framing);
    if (writer === null) return framing;
    // A copy: a view would keep the whole fetched response.
    this.#set(name, { bytes: new Uint8Array(value.subarray(framing.start)), writer });
    return null;
  }

  /** The schema when it has to be learned first; what is wrong with it when it is no key. */
  #keyOf(key: Uint8Array | null, headers: SourceRecord['headers']): string | Framing | BadDataError {
    if (key === null) return unreadableKey('is no text and no number');
    try {
      const framing = keyFraming(key, headers);
      if (framing === null) return keyText(key) ?? unreadableKey('is no text and no number');
      const writer = this.#schemas.writer(framing);
      if (writer === null) return framing;
      const { id, schema, readKey } = writer;
      if (schema === null)
        return unreadableKey(`was written with schema ${id}, which the registry does not know`);
      return readKey?.(key, framing.start) ?? unreadableKey('is no text and no number');
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      return error;
    }
  }

  #framingOf(value: Uint8Array, headers: SourceRecord['headers']): Framing | null {
    try {
      return readFraming(value, headers);
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      this.unreadable(error);
      return null;
    }
  }

  async #learnAgain(writer: RowWriter): Promise<void> {
    try {
      if (await this.#schemas.learnAgain(writer, this.#signal)) this.#wakeAll();
    } catch (error) {
      if (!(error instanceof JourneyGraphError)) throw error;
      const { topic } = this;
      const { code, message } = error;
      this.#parts.log.debug({ topic, code }, `A schema of the table ${topic} was not learned: ${message}`);
    }
  }

  #set(key: string, row: EncodedRow): void {
    this.#account(-sizeOf(key, this.#rows.get(key)));
    this.#rows.set(key, row);
    this.#account(sizeOf(key, row));
    const { budget } = this.#parts;
    if (budget.bytes > budget.bytesMax) throw this.#full();
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) wake(waiting);
  }

  #remove(key: string): void {
    this.#account(-sizeOf(key, this.#rows.get(key)));
    this.#rows.delete(key);
  }

  #account(bytes: number): void {
    this.#bytes += bytes;
    this.#parts.budget.bytes += bytes;
  }

  /** Reading goes on before what came meanwhile is fetched: who needs the table next waits for its end anew. */
  #readAnew(): void {
    this.#assignments += 1;
    this.#ready = false;
  }

  #clear(): void {
    this.#account(-this.#bytes);
    this.#rows.clear();
    this.#positions.clear();
    this.#unread.clear();
    this.#ready = false;
    this.#wakeAll();
  }

  #reached(ends: readonly SourceEnd[]): boolean {
    return ends.every(({ source: { topicId, partition }, low, end }) => {
      const position = topicId === this.#life ? this.#positions.get(partition) : undefined;
      return (position ?? low) >= end;
    });
  }

  #becomeReady(): void {
    if (!this.#ready) {
      const { rows, bytes, topic } = this.status();
      this.#parts.log.debug({ topic, rows, bytes }, `The table ${topic} was read: ${rows} rows.`);
    }
    this.#ready = true;
  }

  #notYet(): OutageError {
    const { topic } = this;
    const context = { topic };
    if (this.#outage === null) {
      const message = `The table ${topic} is still being read: ${this.#rows.size} rows so far.`;
      return new OutageError('LOOKUP_TABLE_BEHIND', message, { context });
    }
    const message = `The table ${topic} cannot be read: ${this.#outage.message}`;
    return new OutageError('LOOKUP_TABLE_UNREADABLE', message, { context, cause: this.#outage });
  }

  #full(): StopError {
    const { topic } = this;
    const { bytesMax } = this.#parts.budget;
    return new StopError(
      'LOOKUP_TABLE_FULL',
      `The table ${topic} does not fit: tables may take ${bytesMax} bytes of memory together, and with ${this.#rows.size} rows of this one they take more. Raise lookup.bytes.max, or keep less in the topic.`,
      { context: { topic, setting: 'lookup.bytes.max' } },
    );
  }

  /** The first reason stays. */
  #stop(error: unknown): void {
    if (this.#stopped !== null) return;
    const { code, message, context } = asJourneyGraphError(error);
    const { topic } = this;
    this.#stopped = new StopError(code, message, { cause: error, context: { topic, ...context } });
    this.#parts.log.error({ topic, code, error }, `The table ${topic} is not read any more: ${message}`);
    this.#clear();
  }

  #wakeAll(): void {
    wake(this.#watching);
    for (const waiting of this.#waiting.values()) wake(waiting);
  }

  async #sleep(sleepers: Set<AbortController>, delayMs: number, signal?: AbortSignal): Promise<void> {
    const sleeper = new AbortController();
    sleepers.add(sleeper);
    const ends = signal === undefined ? sleeper.signal : AbortSignal.any([signal, sleeper.signal]);
    await this.#parts.clock.sleep(delayMs, ends);
    sleepers.delete(sleeper);
  }
}

function unreadableKey(what: string): BadDataError {
  return new BadDataError('LOOKUP_KEY_UNREADABLE', `A record’s key ${what}.`);
}

function sizeOf(key: string, row: EncodedRow | undefined): number {
  return row === undefined ? 0 : row.bytes.length + key.length + rowBytes;
}

function wake(sleepers: ReadonlySet<AbortController>): void {
  for (const sleeper of sleepers) sleeper.abort();
}
