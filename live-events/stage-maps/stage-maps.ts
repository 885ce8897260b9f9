import { JourneyGraphError, must } from '../../foundation/index.ts';
import { isOver } from '../event-times.ts';
import { knownEvent } from '../known-event.ts';
import type { JournalEntry, LiveEvent } from '../live-event.ts';
import { isFrozen } from './freeze.ts';
import type { LivePlan } from './live-plan.ts';
import { type MappedEvent, mapsFull, newMappedEvent, newProgress, stopFollowing } from './mapped-event.ts';
import { type MapsReport, reportOf } from './maps-report.ts';
import { Materializer, planHashOf } from './materializer.ts';
import { PayloadTexts, type StageMapText } from './payload-texts.ts';
import { ServedMaps } from './served-maps.ts';
import type { MapsVersion } from './stage-map-rows.ts';
import { type StageMapsLimits, type StageMapsParts, stageMapsLimitsDefault } from './stage-maps-parts.ts';

/** One member by itself costs as much as so many of all: when too many wait it is cheaper to look at everybody. */
const costOfOne = 5;

/** Told when what serves an event has changed, before what served is let go of. Must not throw. */
export type MapsListener = (before: ServedMaps | null, after: ServedMaps) => void;

/**
 * The stage maps of events: made of a frozen audience when an event has one and a plan, made again when either changes, and following members' journeys until
 * the event freezes. One thing at a time, each `passMs` or when somebody asks; what serves, serves until the next version is durable.
 */
export class StageMaps {
  readonly #parts: StageMapsParts;
  readonly #limits: StageMapsLimits;
  readonly #materializer: Materializer;
  readonly #payloads: PayloadTexts;
  readonly #mapped = new Map<string, MappedEvent>();
  readonly #listeners = new Set<MapsListener>();
  /** Events that are gone, until nothing of them is kept here. */
  readonly #removed = new Set<string>();
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #running: Promise<void> = Promise.resolve();
  readonly #unwatch = new DisposableStack();

  constructor(parts: StageMapsParts, limits: StageMapsLimits = stageMapsLimitsDefault) {
    this.#parts = parts;
    this.#limits = limits;
    this.#materializer = new Materializer({ ...parts, signal: this.#stop.signal });
    this.#payloads = new PayloadTexts(parts.store);
  }

  /** What was materialized before serves when it resolves; what was interrupted, is out of date or follows journeys waits for the next {@link turn}. */
  async open(): Promise<void> {
    const { store, events, log } = this.#parts;
    // Before anything is awaited: what was loaded of an event that is removed meanwhile goes with the next turn.
    this.#unwatch.defer(events.watchRemovals((id) => this.#isRemoved(id)));
    const begun = new Set(store.begun());
    for (const id of store.known()) {
      const event = events.get(id);
      const version = store.newest(id);
      if (event === null) await store.drop(id);
      else if (version === null && !begun.has(id)) continue;
      else if (!this.#hasRoom()) log.warn({ event: id, code: 'LIVE_MAPS_FULL' }, 'There is no room.');
      else {
        const mapped = this.#of(id);
        if (version !== null) mapped.served = await ServedMaps.load(store, version);
        if (begun.has(id)) await this.#beginAnew(mapped, event);
      }
    }
    for (const event of events.list()) this.#consider(event);
    this.#unwatch.defer(events.watch((entry) => this.#changed(entry)));
  }

  /** Until {@link close}. */
  run(): void {
    this.#running = this.#turns();
  }

  /** All members are looked at anew. Throws RefusedError (LIVE_EVENT_UNKNOWN, LIVE_EVENT_UNPLANNED, LIVE_AUDIENCE_NOT_READY, LIVE_PLAN_INVALID, LIVE_MAPS_FULL). */
  materialize(id: string): MapsReport {
    const event = this.#event(id);
    this.#materializer.memberTypeOf(event);
    this.#materializer.planOf(event, this.#parts.clock.now());
    const mapped = this.#of(id);
    mapped.isAsked = true;
    this.#want(mapped);
    return this.report(id);
  }

  /** Waits until nothing of it is being made, but no longer than that. */
  async settled(id: string, waitMs: number): Promise<MapsReport> {
    const mapped = this.#mapped.get(id);
    if (mapped?.state === 'WAITING' || mapped?.state === 'BUILDING') {
      const stop = new AbortController();
      await Promise.race([mapped.done.promise, this.#parts.clock.sleep(waitMs, stop.signal)]);
      stop.abort();
    }
    return this.report(id);
  }

  /** Throws RefusedError LIVE_EVENT_UNKNOWN. */
  report(id: string): MapsReport {
    const event = this.#event(id);
    const mapped = this.#mapped.get(id) ?? null;
    const counts = mapped?.counts ?? { evaluated: 0, moved: 0, wholePasses: 0 };
    const isBuilding = mapped?.state === 'BUILDING';
    return {
      ...reportOf(mapped?.served?.version ?? null),
      state: this.#stateOf(event, mapped),
      progress: isBuilding ? { ...mapped.progress } : null,
      failure: mapped?.failure ?? null,
      following: { ...counts, waiting: mapped?.following?.follower.size ?? 0 },
    };
  }

  /** What serves now; null while nothing does. It may be let go of whenever the caller waits for anything. */
  served(id: string): ServedMaps | null {
    return this.#mapped.get(id)?.served ?? null;
  }

  /** The plan by which members follow their journeys now; null while they follow none. */
  followed(id: string): LivePlan | null {
    return this.#mapped.get(id)?.following?.plan ?? null;
  }

  /** Whether what serves is of another plan than the event's, whose stage maps are on their way. */
  isOutdated(id: string): boolean {
    const mapped = this.#mapped.get(id);
    if (mapped?.state !== 'WAITING' && mapped?.state !== 'BUILDING') return false;
    return mapped.wanted !== mapped.served?.version.planHash;
  }

  /** A stage map as text and as what it says; null when two newer versions have come meanwhile. */
  async payload(hash: string): Promise<StageMapText | null> {
    return await this.#payloads.get(hash);
  }

  /** The plan's segments of an event, for an explanation. Throws RefusedError (LIVE_EVENT_UNKNOWN, LIVE_EVENT_UNPLANNED, LIVE_PLAN_INVALID). */
  planOf(id: string): LivePlan {
    const event = this.#event(id);
    const mapped = this.#mapped.get(id);
    const version = mapped?.served?.version;
    if (mapped?.following != null && version?.planHash === planHashOf(event)) return mapped.following.plan;
    return this.#materializer.planOf(event, version?.plannedAtMs ?? this.#parts.clock.now());
  }

  watch(listener: MapsListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Lets go of what is gone, makes what is waited for, then looks at the members of every event whose journeys changed. Never rejects: how it ended is the event's state. */
  async turn(): Promise<void> {
    for (const id of this.#removed) await this.#drop(id);
    for (const mapped of [...this.#mapped.values()]) {
      if (this.#stop.signal.aborted) return;
      if (this.#isDue(mapped)) await this.#attempt(mapped, () => this.#whole(mapped));
      else if (mapped.following !== null) await this.#attempt(mapped, () => this.#follow(mapped));
    }
  }

  /** Ends what is being made, and waits for it. */
  async close(): Promise<void> {
    this.#unwatch.dispose();
    this.#stop.abort();
    this.#wake.abort();
    await this.#running;
    for (const mapped of [...this.#mapped.values()]) this.#letGo(mapped);
  }

  async #turns(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      await this.turn();
      if (!signal.aborted) await this.#parts.clock.sleep(this.#limits.passMs, this.#wake.signal);
    }
  }

  #isRemoved(id: string): void {
    this.#removed.add(id);
    this.#wake.abort();
  }

  /** Between two things that are made, so that none of them is put behind it. What fails is tried again with the next turn, and at the next start. */
  async #drop(id: string): Promise<void> {
    const { store, log } = this.#parts;
    const mapped = this.#mapped.get(id);
    if (mapped !== undefined) this.#letGo(mapped);
    try {
      await store.drop(id);
      this.#removed.delete(id);
    } catch (error) {
      if (!(error instanceof JourneyGraphError)) throw error;
      log.warn({ event: id, code: error.code, error }, 'Stage maps of a removed event are still kept.');
    }
  }

  /**
   * Whether all members are looked at now. Once the event is frozen that is done for somebody who asked alone, though it was wanted before (an outage, other events or
   * `wholePassMs` came between): it would read what was applied since, and nobody is shown anything else in the middle of an event.
   */
  #isDue(mapped: MappedEvent): boolean {
    const { clock, events } = this.#parts;
    if (mapped.againAtMs !== null && mapped.againAtMs <= clock.now()) this.#want(mapped);
    if (mapped.state !== 'WAITING') return false;
    const event = events.get(mapped.event);
    if (mapped.isAsked || event === null || !this.#isFinal(event, mapped.served?.version)) return true;
    this.#warnOfFreeze(mapped);
    mapped.state = mapped.failure === null ? 'IDLE' : 'FAILED';
    mapped.done.resolve();
    return false;
  }

  /** What a process before this one did not end. Whether somebody had asked for it is not known any more. */
  async #beginAnew(mapped: MappedEvent, event: LiveEvent): Promise<void> {
    if (!this.#isFinal(event, mapped.served?.version)) {
      this.#want(mapped);
      return;
    }
    await this.#parts.store.forgetBegun(event.id);
    this.#parts.log.warn(
      { event: event.id },
      'Stage maps were being made when the process ended. The event is frozen, so they stay as they are.',
    );
  }

  async #whole(mapped: MappedEvent): Promise<void> {
    const event = this.#event(mapped.event);
    mapped.state = 'BUILDING';
    mapped.attempted = planHashOf(event);
    mapped.wanted = mapped.attempted;
    mapped.progress = newProgress();
    mapped.wholeAtMs = this.#parts.clock.now();
    // Before anything is read: what is applied meanwhile is looked at again.
    const follower = this.#parts.touched.follow(this.#materializer.memberTypeOf(event));
    try {
      await follower.ready(this.#stop.signal);
      const { served, plan } = await this.#materializer.whole(event, mapped.progress);
      stopFollowing(mapped);
      mapped.following = { plan, follower, hasMissed: false };
      this.#serve(mapped, served);
    } catch (error) {
      follower.close();
      throw error;
    }
    mapped.counts.wholePasses += 1;
    mapped.state = 'IDLE';
    mapped.isAsked = false;
    mapped.failure = null;
    mapped.done.resolve();
    const { members, tookMs } = must(mapped.served, 'it serves').version;
    this.#parts.log.debug({ event: event.id, members, tookMs }, 'Stage maps were made.');
    this.#consider(this.#event(event.id));
  }

  async #follow(mapped: MappedEvent): Promise<void> {
    const { clock, seesAllWrites } = this.#parts;
    const following = must(mapped.following, 'looked at before');
    const { plan, follower } = following;
    const served = must(mapped.served, 'what follows serves');
    const nowMs = clock.now();
    const event = this.#event(mapped.event);
    const freezes = isFrozen(event, plan, nowMs);
    if (follower.isClosed && (follower.size === 0 || !freezes)) {
      stopFollowing(mapped);
      // Moved while what waited at its freeze was looked at, which takes turns: nobody was told of what was applied since.
      if (!freezes) this.#consider(event);
      return;
    }
    // What is applied from now on changes nothing any more; what waits is still looked at.
    if (freezes) follower.close();
    const missed = follower.takeMissed();
    following.hasMissed ||= missed !== null;
    if (freezes) {
      if (!mapped.isAsked) mapped.againAtMs = null;
      if (following.hasMissed) this.#warnOfFreeze(mapped);
    }
    // At once: `wholePassMs` is for those who write much, and an operator who replaces the graph does not.
    else if (missed === 'REPLACED') this.#want(mapped);
    else if (missed !== null || !seesAllWrites || follower.size * costOfOne > served.version.members)
      mapped.againAtMs ??= Math.max(nowMs, mapped.wholeAtMs + this.#limits.wholePassMs);
    const ids = follower.take(this.#limits.passMembersMax);
    if (ids.length > 0) {
      const moved = await this.#materializer.moved(served, plan, ids);
      mapped.counts.evaluated += ids.length;
      mapped.counts.moved += moved?.moves.length ?? 0;
      if (moved !== null) this.#serve(mapped, moved.served);
    }
  }

  #warnOfFreeze(mapped: MappedEvent): void {
    const { log } = this.#parts;
    log.warn({ event: mapped.event }, 'The event froze before all members were looked at again.');
    if (mapped.following !== null) mapped.following.hasMissed = false;
  }

  async #attempt(mapped: MappedEvent, work: () => Promise<void>): Promise<void> {
    const { clock, log, events } = this.#parts;
    const wasWhole = mapped.state === 'WAITING';
    try {
      await work();
    } catch (error) {
      const known = error instanceof JourneyGraphError;
      // Whoever was to be looked at again is not known any more, so all of them are.
      if (!wasWhole) stopFollowing(mapped);
      mapped.state = 'FAILED';
      mapped.againAtMs = known && error.retryable ? clock.now() + this.#limits.retryMs : null;
      mapped.isAsked &&= mapped.againAtMs !== null;
      mapped.failure = known
        ? { code: error.code, message: error.message }
        : { code: 'INTERNAL_SERVER_ERROR', message: 'Something failed on our side; the log has it.' };
      mapped.done.resolve();
      if (this.#stop.signal.aborted) return;
      log.warn({ event: mapped.event, code: mapped.failure.code, error }, 'Stage maps were not made.');
      const event = events.get(mapped.event);
      if (wasWhole && event !== null && planHashOf(event) !== mapped.attempted) this.#consider(event);
    }
  }

  #serve(mapped: MappedEvent, served: ServedMaps): void {
    const before = mapped.served;
    mapped.served = served;
    for (const listener of this.#listeners) listener(before, served);
    before?.disposeBut(served);
  }

  #changed({ command, after }: JournalEntry): void {
    if (command === 'plan' || command === 'audience' || command === 'create' || command === 'reschedule')
      this.#consider(after);
  }

  /** Wants it made when it can be and is not, and when it is to follow journeys and does not. */
  #consider(event: LiveEvent): void {
    if (event.plan === null || event.audience === null || isOver(event)) return;
    const known = this.#mapped.get(event.id);
    const version = known?.served?.version;
    if (known?.following != null && version?.planHash === planHashOf(event)) return;
    if (this.#isFinal(event, version)) return;
    if (known === undefined && !this.#hasRoom()) {
      this.#parts.log.warn({ event: event.id, code: 'LIVE_MAPS_FULL' }, 'There is no room for stage maps.');
      return;
    }
    this.#want(this.#of(event.id));
  }

  /** Whether what serves stays, whatever is applied: it is of the event's plan, and the event is frozen. */
  #isFinal(event: LiveEvent, version: MapsVersion | undefined): boolean {
    if (version?.planHash !== planHashOf(event)) return false;
    const plan = this.#materializer.planOrNull(event, version.plannedAtMs);
    return isFrozen(event, plan, this.#parts.clock.now());
  }

  #want(mapped: MappedEvent): void {
    mapped.againAtMs = null;
    if (mapped.state === 'WAITING' || mapped.state === 'BUILDING') return;
    const event = this.#parts.events.get(mapped.event);
    mapped.wanted = event === null ? null : planHashOf(event);
    mapped.state = 'WAITING';
    mapped.done = Promise.withResolvers();
    this.#wake.abort();
  }

  #stateOf(event: LiveEvent, mapped: MappedEvent | null): MapsReport['state'] {
    if (mapped === null) return 'NONE';
    if (mapped.state !== 'IDLE') return mapped.state;
    if (mapped.served === null) return 'NONE';
    if (mapped.following === null) return 'FROZEN';
    return isFrozen(event, mapped.following.plan, this.#parts.clock.now()) ? 'FROZEN' : 'READY';
  }

  #of(event: string): MappedEvent {
    const known = this.#mapped.get(event);
    if (known !== undefined) return known;
    if (!this.#hasRoom()) throw mapsFull(this.#limits.eventsMax);
    const mapped = newMappedEvent(event);
    this.#mapped.set(event, mapped);
    return mapped;
  }

  /** From memory. */
  #letGo(mapped: MappedEvent): void {
    stopFollowing(mapped);
    mapped.served?.disposeBut(null);
    mapped.done.resolve();
    this.#mapped.delete(mapped.event);
  }

  /** Makes room, if need be, in memory: of an event that is over; on disk it stays. */
  #hasRoom(): boolean {
    if (this.#mapped.size < this.#limits.eventsMax) return true;
    for (const mapped of this.#mapped.values()) {
      const event = this.#parts.events.get(mapped.event);
      if (mapped.state === 'BUILDING' || (event !== null && !isOver(event))) continue;
      this.#letGo(mapped);
      return true;
    }
    return false;
  }

  #event(id: string): LiveEvent {
    return knownEvent(this.#parts.events, id);
  }
}
