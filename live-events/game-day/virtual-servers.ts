import type { Random } from '../../foundation/index.ts';
import { isKept, keptShare, overloadOf, type SheddingLimits, sheddingLimitsDefault } from '../traffic/cubic-shedding.ts'; // biome-ignore format: sorted
import { OverloadHistory, overloadHistoryLimitsDefault } from '../traffic/overload-history.ts';
import { type Refusal, refusalLimitsDefault, refusalOf } from '../traffic/refusal.ts';
import type { FleetConstants } from './fleet-constants.ts';

const smoothing = 0.1;

/**
 * The servers that answer prefetches and users, as one pool of cores, shedding as `traffic/` does by the same functions. Users are counted in one go each tick;
 * prefetches come one by one. The gradient limit is left out: it needs latencies, which this model has none of.
 */
export class VirtualServers {
  readonly #constants: FleetConstants;
  readonly #cores: number;
  readonly #weight: number;
  readonly #random: Random;
  readonly #limits: SheddingLimits = sheddingLimitsDefault;
  readonly #history = new OverloadHistory(overloadHistoryLimitsDefault);
  #micros = 0;
  #secondMicros = 0;
  #utilisation = 0;
  #overload = 0;

  constructor(cores: number, constants: FleetConstants, weight: number, random: Random) {
    this.#cores = cores;
    this.#constants = constants;
    this.#weight = weight;
    this.#random = random;
  }

  /** Null: answered. */
  prefetch(): Refusal | null {
    const { cpuMicrosPerPrefetch, cpuMicrosPerRefusal } = this.#constants;
    if (isKept(keptShare('prefetch', this.#overload), this.#random)) {
      this.#micros += cpuMicrosPerPrefetch * this.#weight;
      return null;
    }
    this.#micros += cpuMicrosPerRefusal * this.#weight;
    return refusalOf('OVERLOADED', refusalLimitsDefault.prefetch, this.#overload, this.#random);
  }

  /** So many users' requests; gives how many were refused. */
  users(requests: number): number {
    const { cpuMicrosPerUserRequest, cpuMicrosPerRefusal } = this.#constants;
    const kept = requests * keptShare('user', this.#history.lasting());
    this.#micros += kept * cpuMicrosPerUserRequest + (requests - kept) * cpuMicrosPerRefusal;
    return requests - kept;
  }

  tick(nowMs: number, tickMs: number): void {
    const capacity = this.#cores * tickMs * 1000;
    const done = Math.min(this.#micros, capacity);
    this.#secondMicros += done;
    // What was not done waits, and is done first.
    this.#micros -= done;
    this.#utilisation += (done / capacity - this.#utilisation) * smoothing;
    const load = { utilisation: this.#utilisation, inFlightShare: 0, slowShare: 0 };
    this.#overload = overloadOf(load, this.#limits);
    this.#history.add(nowMs, this.#overload);
  }

  /** Ends a second: the share of the cores that was used in it. */
  second(): number {
    const share = this.#secondMicros / (this.#cores * 1e6);
    this.#secondMicros = 0;
    return share;
  }
}
