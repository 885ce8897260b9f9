import type { Clock, Log } from '../foundation/index.ts';
import type { GraphStore, TimeToLive } from '../graph-store/index.ts';
import { asJourneyGraphError, classify } from './error-classifier.ts';
import type { MappingsInForce } from './mappings-in-force.ts';
import { areSameRules, type DeclaredTimesToLive, type Dispute, nextRules } from './times-to-live.ts';

export interface StoreUpkeepSettings {
  /** Between the end of one round over all rows and the next, milliseconds. */
  readonly sweepIntervalMs: number;
  /** At most so many rows are looked at in a second. */
  readonly sweepRowsPerSecond: number;
}

export interface StoreUpkeepParts {
  readonly store: GraphStore;
  readonly mappings: Pick<MappingsInForce, 'timesToLive'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether this process is to remove what is hidden now, of several that share the store; absent: it is. */
  readonly sweeps?: () => boolean;
  /** Whether other processes set times to live in the store as well; absent: none does. */
  readonly isShared?: boolean;
}

const turnMs = 1_000;

/** Hands what the mappings say about time to live to the store, and has it remove what that hides, a little at a time. */
export class StoreUpkeep {
  readonly #parts: StoreUpkeepParts;
  readonly #settings: StoreUpkeepSettings;
  /** What the rules were made of that are in force, and these themselves. */
  #declared: DeclaredTimesToLive | null = null;
  #rules: TimeToLive | null = null;
  #after: Uint8Array | null = null;
  #removed = 0;
  /** When a round ended last; null before the first. */
  #endedMs: number | null = null;
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
    const { store, clock, log, sweeps = () => true } = this.#parts;
    if (this.#rests() || !sweeps()) return;
    const { removed, next, again } = await store.sweep(this.#after, this.#settings.sweepRowsPerSecond);
    if (again === true) return;
    this.#removed += removed;
    this.#after = next;
    if (next !== null) return;
    if (this.#removed > 0) log.info({ rows: this.#removed }, 'Rows beyond their time to live were removed.');
    this.#removed = 0;
    this.#endedMs = clock.now();
  }

  /** No longer than the interval, should the clock have been ahead when the round ended. */
  #rests(): boolean {
    if (this.#endedMs === null) return false;
    const passedMs = this.#parts.clock.now() - this.#endedMs;
    return passedMs >= 0 && passedMs < this.#settings.sweepIntervalMs;
  }

  async #passRulesOn(): Promise<void> {
    const { store, mappings, log, isShared = false } = this.#parts;
    const declared = mappings.timesToLive();
    if (declared === this.#declared && (isShared || this.#isUnchanged())) return;
    // What was set, and not what the store says once it is: another graph may have come into its place meanwhile, whose rules have to be seen to differ.
    let rules = store.timeToLive();
    const next = (stored: TimeToLive): TimeToLive => {
      rules = nextRules(stored, declared).rules;
      return rules;
    };
    // What is known here of a shared store may be older than what another process set, and nobody puts that back.
    if (isShared || !areSameRules(nextRules(rules, declared).rules, rules)) {
      await store.setTimeToLive(next);
      log.debug({ ...rules }, 'Times to live are in force.');
    }
    this.#declared = declared;
    this.#rules = rules;
    for (const dispute of nextRules(rules, declared).disputes) this.#warn(dispute);
  }

  /**
   * Of a store that no other process has: one that was opened again may have kept a change whose writer was told that it failed, and another graph may have been put in its place. In a shared
   * one other rules are the word of a process that has met newer mappings: two that put back their own would overwrite each other for ever, and sweep by the shorter ones meanwhile.
   */
  #isUnchanged(): boolean {
    return this.#rules !== null && areSameRules(this.#parts.store.timeToLive(), this.#rules);
  }

  #warn({ type, subject, ttlMs, keptMs, heldBy }: Dispute): void {
    this.#parts.log.warn(
      { type, subject, heldBy },
      `${subject} keeps ${type} for ${ttlMs / 1_000} s, and ${heldBy.join(', ')}, whose mapping is not in force now, for ${keptMs / 1_000} s, which stays: let both say the same, or have ${heldBy.join(', ')} say nothing.`,
    );
  }
}
