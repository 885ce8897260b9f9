import type { SteadyTime } from '../foundation/index.ts';
import type { Neo4jConnection } from './neo4j-connection.ts';
import type { Neo4jKeys } from './neo4j-keys.ts';
import { rulesOf } from './neo4j-rules.ts';
import { textOf } from './neo4j-values.ts';
import type { TimeToLive } from './time-to-live.ts';

/** So old may be what this process knows of what another one set. */
const ageMaxMs = 1_000;

/** Times to live as the graph has them, with what sweeps took away: what another process sets or sweeps is seen within a second. */
export class Neo4jRulesInForce {
  readonly #connection: Neo4jConnection;
  readonly #keys: Neo4jKeys;
  readonly #steady: SteadyTime;
  #rules: TimeToLive;
  #readAt: number;
  #reading: Promise<void> | null = null;
  /** Grows with each reading that begins, and each time that rules are put here. */
  #turn = 0;
  #newest = 0;

  /** `rules` as they were read just now. */
  constructor(connection: Neo4jConnection, keys: Neo4jKeys, steady: SteadyTime, rules: TimeToLive) {
    this.#connection = connection;
    this.#keys = keys;
    this.#steady = steady;
    this.#rules = rules;
    this.#readAt = steady();
  }

  get rules(): TimeToLive {
    return this.#rules;
  }

  /** As a transaction that has just been committed left them. */
  put(rules: TimeToLive): void {
    this.#turn += 1;
    this.#newest = this.#turn;
    this.#rules = rules;
  }

  async fresh(): Promise<void> {
    if (this.#steady() - this.#readAt < ageMaxMs) return;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  async #read(): Promise<void> {
    const at = this.#steady();
    this.#turn += 1;
    const turn = this.#turn;
    const [row] = await this.#connection.read((queries) =>
      queries.run('MATCH (s:JgStore {jgKey: $key}) RETURN s.timeToLive', { key: this.#keys.store }),
    );
    // Put here while it was read: what it read may be from before.
    if (turn < this.#newest) return;
    const text: unknown = row?.get(0) ?? null;
    this.#rules = rulesOf(text === null ? null : textOf(text));
    this.#readAt = at;
  }
}
