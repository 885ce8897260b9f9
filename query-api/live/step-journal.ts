import type { Clock } from '../../foundation/index.ts';
import {
  type MutationBatch,
  type NodeRef,
  type OwnedStepPlace,
  OwnerSet,
  ownerKey,
  stepPlaces,
  type TimePosition,
  type WriteObserver,
} from '../../graph-store/index.ts';
import { OwnerLog } from './owner-log.ts';
import type { AppliedStep, StepFeed, StepWatch } from './step-feed.ts';

export interface JournalLimits {
  /** Owners that are watched, or were lately. */
  readonly ownersMax: number;
  /** Steps held of one owner: how far a subscription may be behind. */
  readonly ownerStepsMax: number;
  /** Steps held of all owners together. */
  readonly stepsMax: number;
  /** How long an owner is followed after the last one who listened has gone, milliseconds. */
  readonly graceMs: number;
}

export const journalLimitsDefault: JournalLimits = {
  ownersMax: 8192,
  ownerStepsMax: 256,
  stepsMax: 200_000,
  graceMs: 300_000,
};

export interface JournalParts {
  readonly clock: Clock;
  /** Different in each life of each process, and so are those counted up from it: 64 bits by chance. */
  readonly epoch: bigint;
  /** True when every step of the graph is applied by this process. */
  readonly complete: boolean;
}

/**
 * The steps that this process applies, in the order in which they become durable, of those owners only whom somebody listens to
 * or did a while ago. While nobody does, a batch costs one look at an empty map.
 *
 * No gap: a batch is searched for an owner's steps when it is handed to the store. One that was handed over before the owner was
 * watched was not; so a watch is ready only when all batches on their way at its beginning are settled, and nothing
 * is promised of what was applied before that.
 *
 * Policy of the bounds: beyond `ownerStepsMax` an owner loses its oldest step; beyond `stepsMax` the owner that has been quiet the longest
 * does; beyond `ownersMax` the owner nobody has listened to for the longest is dropped, and where there is none a watch is refused.
 */
export class StepJournal implements StepFeed, WriteObserver {
  readonly complete: boolean;
  #epoch: bigint;
  readonly #clock: Clock;
  readonly #limits: JournalLimits;
  /** Those that were written to longest ago first. */
  readonly #logs = new Map<string, OwnerLog>();
  /** Those that there is a log of. */
  readonly #owners = new OwnerSet();
  /** Without listeners, those that lost them longest ago first. */
  readonly #idle = new Set<OwnerLog>();
  readonly #inFlight = new Set<Promise<void>>();
  readonly #beginnings = new WeakMap<OwnerLog, Promise<void>>();
  #sequence = 0;
  #steps = 0;

  constructor({ clock, epoch, complete }: JournalParts, limits: JournalLimits = journalLimitsDefault) {
    this.#clock = clock;
    this.#epoch = epoch;
    this.complete = complete;
    this.#limits = limits;
  }

  get epoch(): bigint {
    return this.#epoch;
  }

  /** Owners and steps held now. */
  get held(): { readonly owners: number; readonly steps: number } {
    return { owners: this.#logs.size, steps: this.#steps };
  }

  applying(mutations: MutationBatch): (durable: boolean) => void {
    this.#dropExpired();
    const places = this.#logs.size === 0 ? [] : stepPlaces(mutations.packed, this.#owners);
    for (const place of places) this.#logs.get(place.owner)?.begin(place);
    const flight = Promise.withResolvers<void>();
    this.#inFlight.add(flight.promise);
    const epoch = this.#epoch;
    return (durable) => {
      this.#inFlight.delete(flight.promise);
      // Of the graph before: the one in force does not have it, and whoever reads it again into that one says so.
      if (places.length > 0 && epoch === this.#epoch) this.#settled(places, durable);
      flight.resolve();
    };
  }

  /**
   * Another graph takes the place of the one whose steps these are: in the same turn, so that no batch is counted for the wrong one.
   *
   * It may not have them yet, and what it reads again would seem to be known; or it may have others that nobody was told of.
   * So nothing is kept: each watch is over, and whoever goes on does so by time, from the store.
   */
  beginAnew(): void {
    const logs = [...this.#logs.values()];
    this.#epoch = BigInt.asUintN(64, this.#epoch + 1n);
    for (const log of logs) this.#drop(log);
    // None of them writes to the graph in force: nobody has to wait for them.
    this.#inFlight.clear();
    for (const log of logs) log.tell();
  }

  watch(owner: NodeRef, changed: () => void): StepWatch | null {
    this.#dropExpired();
    const log = this.#logOf(ownerKey(owner));
    if (log === null) return null;
    // A listener of its own, though the same function may listen twice.
    const listener = (): void => changed();
    log.listeners.add(listener);
    log.idleSinceMs = null;
    this.#idle.delete(log);
    const sequence = (): number => this.#sequence;
    return {
      epoch: this.#epoch,
      get sequence() {
        return sequence();
      },
      get heldSince() {
        return log.heldSince;
      },
      ready: (signal) => this.#ready(log, signal),
      next: (after) => log.next(after),
      holds: (place, after) => log.holds(place, after),
      close: () => {
        if (log.listeners.delete(listener)) this.#leave(log);
      },
    };
  }

  #logOf(owner: string): OwnerLog | null {
    const known = this.#logs.get(owner);
    if (known !== undefined) return known;
    if (this.#logs.size >= this.#limits.ownersMax) {
      const [forsaken] = this.#idle;
      if (forsaken === undefined) return null;
      this.#drop(forsaken);
    }
    const log = new OwnerLog(owner);
    this.#logs.set(owner, log);
    this.#owners.add(owner);
    this.#beginnings.set(log, this.#begin(log));
    return log;
  }

  async #begin(log: OwnerLog): Promise<void> {
    await Promise.all(this.#inFlight);
    // A number of its own: steps of this owner from before were not recorded, so no older cursor may seem to continue here.
    this.#sequence += 1;
    log.beginAt(this.#sequence);
  }

  async #ready(log: OwnerLog, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    const aborted = Promise.withResolvers<false>();
    const abort = (): void => aborted.resolve(false);
    signal.addEventListener('abort', abort, { once: true });
    try {
      const begun = (this.#beginnings.get(log) ?? Promise.resolve()).then(() => true);
      return await Promise.race([begun, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #settled(places: readonly OwnedStepPlace[], durable: boolean): void {
    const written = new Set<OwnerLog>();
    for (const place of places) {
      const log = this.#logs.get(place.owner);
      if (log === undefined) continue;
      log.end(place);
      if (durable && this.#append(log, place)) written.add(log);
    }
    while (this.#steps > this.#limits.stepsMax) {
      const quietest = this.#quietest();
      if (quietest === null) break;
      this.#forgetOldest(quietest);
      written.add(quietest);
    }
    for (const log of written) log.tell();
  }

  #quietest(): OwnerLog | null {
    for (const log of this.#logs.values()) if (log.size > 0) return log;
    return null;
  }

  #append(log: OwnerLog, { timeMs, occurrence }: TimePosition): boolean {
    const step: AppliedStep = { sequence: this.#sequence + 1, timeMs, occurrence };
    if (!log.append(step)) return false;
    this.#sequence = step.sequence;
    this.#steps += 1;
    if (log.size > this.#limits.ownerStepsMax) this.#forgetOldest(log);
    // To the end: the others have been quiet for longer.
    this.#logs.delete(log.owner);
    this.#logs.set(log.owner, log);
    return true;
  }

  #forgetOldest(log: OwnerLog): void {
    log.forgetOldest();
    this.#steps -= 1;
  }

  #leave(log: OwnerLog): void {
    // One that was dropped with its graph is not kept; its owner may have another one by now.
    if (log.listeners.size > 0 || this.#logs.get(log.owner) !== log) return;
    log.idleSinceMs = this.#clock.now();
    this.#idle.add(log);
    this.#dropExpired();
  }

  #dropExpired(): void {
    if (this.#idle.size === 0) return;
    const nowMs = this.#clock.now();
    for (const log of this.#idle) {
      if (nowMs - (log.idleSinceMs ?? nowMs) < this.#limits.graceMs) return;
      this.#drop(log);
    }
  }

  #drop(log: OwnerLog): void {
    this.#idle.delete(log);
    this.#logs.delete(log.owner);
    this.#owners.delete(log.owner);
    this.#steps -= log.size;
  }
}
