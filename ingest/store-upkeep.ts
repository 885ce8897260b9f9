import type { Clock, Log } from '../foundation/index.ts';
import type { GraphStore, TimeToLive } from '../graph-store/index.ts';
import type { GraphSchema } from '../schemas/index.ts';
import { asJourneyGraphError, classify } from './error-classifier.ts';
import type { MappingsInForce } from './mappings-in-force.ts';

export interface StoreUpkeepSettings {
  /** Between the end of one round over all rows and the next, milliseconds. */
  readonly sweepIntervalMs: number;
  /** At most so many rows are looked at in a second. */
  readonly sweepRowsPerSecond: number;
}

export interface StoreUpkeepParts {
  readonly store: GraphStore;
  readonly mappings: Pick<MappingsInForce, 'graphSchema' | 'settled'>;
  readonly clock: Clock;
  readonly log: Log;
}

const turnMs = 1_000;

/** Hands what the mappings say about time to live to the store, and has it remove what that hides, a little at a time. */
export class StoreUpkeep {
  readonly #parts: StoreUpkeepParts;
  readonly #settings: StoreUpkeepSettings;
  /** The schema whose rules are in force. */
  #schema: GraphSchema | null = null;
  #after: Uint8Array | null = null;
  #removed = 0;
  #nextRoundMs = 0;
  /** Code of the failure that was logged last; null after a turn that went well. */
  #complaint: string | null = null;

  constructor(parts: StoreUpkeepParts, settings: StoreUpkeepSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Until `signal` aborts. An outage of the store is waited out; rejects for a bug only. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    while (!signal.aborted) {
      try {
        await this.turn();
        this.#complaint = null;
      } catch (error) {
        if (classify(error) !== 'outage') throw error;
        const { code, message } = asJourneyGraphError(error);
        if (code !== this.#complaint) log.warn({ code }, `The store cannot be kept tidy now: ${message}`);
        this.#complaint = code;
      }
      await clock.sleep(turnMs, signal);
    }
  }

  /** What there is to do in one second. */
  async turn(): Promise<void> {
    await this.#passRulesOn();
    const { store, clock, log } = this.#parts;
    if (clock.now() < this.#nextRoundMs) return;
    const { removed, next } = await store.sweep(this.#after, this.#settings.sweepRowsPerSecond);
    this.#removed += removed;
    this.#after = next;
    if (next !== null) return;
    if (this.#removed > 0) log.info({ rows: this.#removed }, 'Rows beyond their time to live were removed.');
    this.#removed = 0;
    this.#nextRoundMs = clock.now() + this.#settings.sweepIntervalMs;
  }

  /**
   * Only once every mapping has been looked at: before, a rule would seem to be gone whose mapping is only not loaded yet. The
   * rules of types that no mapping declares any more stay.
   */
  async #passRulesOn(): Promise<void> {
    const { store, mappings, log } = this.#parts;
    const schema = mappings.graphSchema();
    if (schema === this.#schema || !mappings.settled()) return;
    const before = store.timeToLive();
    const rules: TimeToLive = {
      nodes: merged(before.nodes, schema.nodeTypes),
      edges: merged(before.edges, schema.edgeTypes),
    };
    if (!isSame(rules.nodes, before.nodes) || !isSame(rules.edges, before.edges)) {
      await store.setTimeToLive(rules);
      log.debug({ ...rules }, 'Times to live are in force.');
    }
    this.#schema = schema;
  }
}

type Rules = TimeToLive['nodes'];

function merged(
  before: Rules,
  types: readonly { readonly name: string; readonly ttlMs: number | null }[],
): Rules {
  const rules = new Map(Object.entries(before));
  for (const { name, ttlMs } of types) {
    if (ttlMs === null) rules.delete(name);
    else rules.set(name, ttlMs);
  }
  return Object.fromEntries(rules);
}

function isSame(a: Rules, b: Rules): boolean {
  const text = (rules: Rules): string => JSON.stringify(Object.entries(rules).sort());
  return text(a) === text(b);
}
