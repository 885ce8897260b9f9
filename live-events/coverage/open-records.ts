import { JourneyGraphError, type Log } from '../../foundation/index.ts';
import { CoverageRecord } from './coverage-record.ts';
import { type CoverageKey, type CoverageStore, writeKey } from './coverage-store.ts';

/**
 * Records that are ready in memory. Reports are about the newest broadcasts of few events, so few are enough; an older one is read again. None is let go while a
 * turn may use it: only `trim`, at its end, does that.
 */
export class OpenRecords {
  readonly #store: CoverageStore;
  readonly #log: Log;
  readonly #openMax: number;
  /** In the order in which they were used. */
  readonly #open = new Map<string, CoverageRecord>();
  readonly #changed = new Set<string>();
  /** The store has let them go. */
  readonly #gone: CoverageRecord[] = [];

  constructor(store: CoverageStore, log: Log, openMax: number) {
    this.#store = store;
    this.#log = log;
    this.#openMax = openMax;
  }

  /** Null when nothing is kept of it. */
  async get(key: CoverageKey): Promise<CoverageRecord | null> {
    const text = writeKey(key);
    const ready = this.#open.get(text);
    if (ready !== undefined) {
      this.#open.delete(text);
      this.#open.set(text, ready);
      return ready;
    }
    const bytes = await this.#store.get(key);
    if (bytes === null) return null;
    const record = CoverageRecord.decode(bytes);
    this.#open.set(text, record);
    return record;
  }

  /** Takes it over and writes it. */
  async begin(record: CoverageRecord): Promise<void> {
    this.#open.set(writeKey(record.head), record);
    this.changed(record);
    await this.write(record);
  }

  changed(record: CoverageRecord): void {
    this.#changed.add(writeKey(record.head));
  }

  /** Those that have to be written. */
  unwritten(): readonly CoverageRecord[] {
    return [...this.#open].filter(([text]) => this.#changed.has(text)).map(([, record]) => record);
  }

  /** A failure is logged, and what could not be written is tried again as long as it is in memory. */
  async write(record: CoverageRecord): Promise<void> {
    // The store may have let it go since it was listed.
    if (!this.#open.has(writeKey(record.head))) return;
    try {
      const gone = await this.#store.put(record.head, record.head.beganMs, record.encode());
      this.#changed.delete(writeKey(record.head));
      for (const key of gone) this.#close(writeKey(key));
    } catch (error) {
      if (!(error instanceof JourneyGraphError)) throw error;
      this.#log.error({ code: error.code, event: record.head.event }, error.message);
    }
  }

  /** All of an event, which is not coming back. */
  async forget(event: string): Promise<void> {
    for (const [text, { head }] of [...this.#open]) if (head.event === event) this.#close(text);
    await this.#store.drop(event);
  }

  /** Writes those not used for longest and lets them go. Where one cannot be written it is lost: memory is bounded, and figures of the past are not worth the present. */
  async trim(): Promise<void> {
    for (const [text, record] of [...this.#open]) {
      if (this.#open.size <= this.#openMax) break;
      if (this.#changed.has(text)) await this.write(record);
      this.#close(text);
    }
    for (const record of this.#gone.splice(0)) record.dispose();
  }

  dispose(): void {
    for (const record of [...this.#open.values(), ...this.#gone]) record.dispose();
    this.#open.clear();
  }

  #close(text: string): void {
    const record = this.#open.get(text);
    if (record !== undefined) this.#gone.push(record);
    this.#open.delete(text);
    this.#changed.delete(text);
  }
}
