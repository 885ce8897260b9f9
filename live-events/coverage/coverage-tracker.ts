import type { RoaringBitmap32 } from 'roaring-wasm';
import type { Cursor } from '../../device/index.ts';
import {
  type Clock,
  JourneyGraphError,
  type Log,
  must,
  OutageError,
  RefusedError,
} from '../../foundation/index.ts';
import type { LiveEvent, LiveEvents } from '../live-event.ts';
import type { AudienceMembers, DeliveryReport } from '../ports.ts';
import type { PastEntry } from '../state/live-journal.ts';
import { type Coverage, coverageOf } from './coverage.ts';
import { type CoverageHead, CoverageRecord, type NumberedDelivery } from './coverage-record.ts';
import type { CoverageSources } from './coverage-sources.ts';
import type { CoverageKey, CoverageStore } from './coverage-store.ts';
import { MemberNumbers } from './member-numbers.ts';
import { Missing, type MissingReason } from './missing.ts';
import { OpenRecords } from './open-records.ts';
import { type MadeMs, Unbegun } from './unbegun.ts';

export interface CoverageLimits {
  /** Broadcasts of all events that are ready in memory. */
  readonly openMax: number;
  /** Of reports that wait to be counted; what comes beyond is left out, and `lostDeliveries` says so. */
  readonly deliveriesWaitingMax: number;
  /** So often what is only in memory is written, and what could not begin is tried again. */
  readonly writeEveryMs: number;
  /** Broadcasts that could not begin and are tried again; beyond it the oldest is given up. */
  readonly unbegunMax: number;
  /** Members of audiences whose numbers are kept in memory, some hundred bytes each. */
  readonly numbersKeptMax: number;
}

export const coverageLimitsDefault: CoverageLimits = {
  openMax: 16,
  deliveriesWaitingMax: 1_000_000,
  writeEveryMs: 5000,
  unbegunMax: 64,
  numbersKeptMax: 200_000,
};

export interface CoverageParts {
  /** Taken over: closed with the tracker. */
  readonly store: CoverageStore;
  readonly sources: CoverageSources;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: CoverageLimits;
}

export interface FollowedEvents extends LiveEvents {
  /** False of an event that is there, and of one that this life of the journal never had. */
  wasRemoved(id: string): boolean;
  /** Newest first. */
  history(id: string, count: number): Promise<readonly PastEntry[]>;
}

/** Looked through for when a broadcast was made that was journaled before anybody followed; entries that came while it waited for its turn lie before it. */
const pastEntriesMax = 16;

export interface MissingMember {
  readonly member: string;
  readonly reason: MissingReason;
  /** For the page after this one. */
  readonly number: number;
}

export interface MissingQuery {
  /** Null: each of them. */
  readonly reason: MissingReason | null;
  readonly first: number;
  readonly after: number | null;
}

/**
 * Adds up what gateways report: how far each broadcast came, and who is missing. One thing after the other, so that a report and the question for its figures never meet half way.
 * After a crash what came within `writeEveryMs` is missing from the figures; gateways do not repeat it.
 */
export class CoverageTracker {
  readonly #parts: CoverageParts;
  readonly #records: OpenRecords;
  readonly #numbers: MemberNumbers;
  readonly #unbegun: Unbegun;
  readonly #closing = new AbortController();
  #writing: Promise<void> = Promise.resolve();
  #last: Promise<unknown> = Promise.resolve();
  #deliveriesWaiting = 0;
  #lostDeliveries = 0;
  #unknownReports = 0;

  private constructor(parts: CoverageParts) {
    this.#parts = parts;
    this.#records = new OpenRecords(parts.store, parts.log, parts.limits.openMax);
    this.#numbers = new MemberNumbers(parts.limits.numbersKeptMax);
    this.#unbegun = new Unbegun(parts.limits.unbegunMax);
  }

  static start(parts: CoverageParts): CoverageTracker {
    const tracker = new CoverageTracker(parts);
    tracker.#writing = tracker.#writeNowAndThen();
    return tracker;
  }

  /** Deliveries of reports that came faster than they were counted, whose audience could not be read, or whose broadcast could not begin. */
  get lostDeliveries(): number {
    return this.#lostDeliveries;
  }

  /** Broadcasts that could not begin yet: what is reported of them meanwhile is lost. */
  get unbegunBroadcasts(): number {
    return this.#unbegun.count;
  }

  /** Reports about broadcasts of which nothing is kept: too old, or of another journal. */
  get unknownReports(): number {
    return this.#unknownReports;
  }

  /**
   * Begins with each broadcast as it is journaled, and with what holds now; forgets events as they are removed, and those of which that was not done before a crash. What the journal knows nothing of
   * stays until the store's limits have it go: an empty journal is one that was moved away, and figures of past events are not made again. Returns how to stop.
   */
  follow(events: FollowedEvents): () => void {
    const stops = new DisposableStack();
    stops.defer(events.watch(({ after, timeMs }) => this.begin(after, async () => timeMs)));
    stops.defer(events.watchRemovals((event) => this.forget(event)));
    for (const event of this.#parts.store.events()) if (events.wasRemoved(event)) this.forget(event);
    for (const event of events.list()) this.begin(event, () => this.#madeMs(events, event));
    return () => stops.dispose();
  }

  /** What fails is found again at the next start. */
  forget(event: string): void {
    const forget = async (): Promise<void> => {
      this.#unbegun.forget(event);
      await this.#records.forget(event);
    };
    this.#later('forget', event, forget, 0);
  }

  /** The broadcast that this event is at, made then (asked for where it matters), supersedes those before it. Known already: nothing. What fails is tried again. */
  begin(event: LiveEvent, madeMs: MadeMs = async () => null): void {
    const begin = async (): Promise<void> => {
      try {
        await this.#beginAll(event.id);
        await this.#begin(event, madeMs);
      } catch (error) {
        // Only now: what can begin at once must not drive out one that waits.
        const givenUp = this.#unbegun.add({ event, madeMs });
        if (givenUp !== null) this.#giveUp(givenUp.event);
        throw error;
      }
    };
    this.#later('begin', event.id, begin, 0);
  }

  /** Of reports that come again, late, or of an epoch that is over, each delivery counts once, for its own broadcast. */
  report(report: DeliveryReport): void {
    const deliveries = report.sent.length + report.applied.length + report.dropped.length;
    if (this.#deliveriesWaiting + deliveries > this.#parts.limits.deliveriesWaitingMax) {
      this.#lostDeliveries += deliveries;
      return;
    }
    this.#later('report', report.event, () => this.#count(report), deliveries);
  }

  /** Of the newest epoch that has this sequence; null for the newest broadcast. Null when nothing is kept of it. */
  async coverage(event: string, sequence: number | null): Promise<Coverage | null> {
    return await this.#turn(async () => {
      const keys = this.#parts.store.list(event);
      const key = sequence === null ? keys[0] : keys.find((one) => one.sequence === sequence);
      return key === undefined ? null : await this.#coverage(key);
    });
  }

  /** Newest first. */
  async coverages(event: string, last: number): Promise<readonly Coverage[]> {
    const keys = this.#parts.store.list(event).slice(0, last);
    const found = await Promise.all(keys.map((key) => this.#turn(() => this.#coverage(key))));
    return found.filter((one) => one !== null);
  }

  /** In an order that never changes. Throws RefusedError COVERAGE_AUDIENCE_GONE, or what `sources.audience` throws. */
  async missing(key: CoverageKey, { reason, first, after }: MissingQuery): Promise<readonly MissingMember[]> {
    const found = await this.#turn(async () => {
      const record = await this.#records.get(key);
      if (record === null || record.head.audienceCount === null) return null;
      const { audience, audienceCount } = record.head;
      return await this.#withPrefetched(record, (prefetched) => {
        const missing = new Missing(record, audienceCount, prefetched);
        const page = missing.page(reason, after, first);
        missing.dispose();
        return { audience, page };
      });
    });
    if (found === null) return [];
    const members = await this.#membersOf(found.audience);
    const ids = await members.idsOf(found.page.map(({ number }) => number));
    return found.page.map((one, i) => ({
      ...one,
      member: `${members.memberType}:${must(ids[i], 'one each')}`,
    }));
  }

  /** Resolves when all that came before was counted. */
  async settled(): Promise<void> {
    await this.#turn(async () => undefined);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
    await this.#turn(() => this.#writeChanged());
    this.#records.dispose();
    await this.#parts.store.close();
  }

  /** Those of an event that wait, in the order in which they were made: what cannot begin holds up those behind it. */
  async #beginAll(event: string): Promise<void> {
    for (const one of this.#unbegun.of(event)) {
      await this.#begin(one.event, one.madeMs);
      this.#unbegun.delete(one);
    }
  }

  #giveUp({ id, epoch, sequence }: LiveEvent): void {
    const message = `Too many broadcasts could not begin to be counted: the figures of ${id}, epoch ${epoch}, sequence ${sequence} are given up.`;
    this.#parts.log.error({ event: id, epoch, sequence, what: 'begin' }, message);
  }

  async #begin(event: LiveEvent, madeMs: MadeMs): Promise<void> {
    const { store, clock } = this.#parts;
    const { id, epoch, sequence, stage, at } = event;
    if (store.has({ event: id, epoch, sequence })) return;
    const last = await this.#newest(id);
    // Its own figures were trimmed: they do not begin again.
    if (last !== null && !isAfter(event, last.head)) return;
    // Of what is superseded all is written: from then on it says who had prefetched until then.
    if (last !== null) await this.#write(last);
    const members = event.audience === null ? null : await this.#parts.sources.audience(event.audience);
    const audience = members?.id ?? null;
    const audienceCount = members?.count ?? null;
    // Of a stage that has held since long ago, `at` says nothing of how fast a change of its schedule came.
    const isWithin = last !== null && last.head.stage === stage && last.head.at === at;
    const fromMs = isWithin ? Math.max(at, (await madeMs()) ?? at) : at;
    const beganMs = clock.now();
    const head = { event: id, epoch, sequence, stage, at, fromMs, beganMs, audience, audienceCount };
    const before = last?.head.audience === audience ? last : null;
    await this.#records.begin(CoverageRecord.begin(head, before));
  }

  /** By the journal: what was journaled before a crash was not made when the next process found it. */
  async #madeMs(events: FollowedEvents, { id, epoch, sequence }: LiveEvent): Promise<number | null> {
    try {
      const entries = await events.history(id, pastEntriesMax);
      const its = entries.find((entry) => entry.sequence === sequence && entry.after.epoch === epoch);
      return its?.timeMs ?? null;
    } catch (error) {
      // Its broadcast is worth more than the moment from which its delays are counted.
      if (!(error instanceof OutageError)) throw error;
      this.#parts.log.error({ code: error.code, event: id, what: 'made' }, error.message);
      return null;
    }
  }

  async #count(report: DeliveryReport): Promise<void> {
    // An outage that ends here loses no more reports; one that goes on loses this one by name.
    if (this.#unbegun.has(report)) await this.#beginAll(report.event);
    const record = await this.#records.get(report);
    if (record === null) {
      this.#unknownReports += 1;
      return;
    }
    const { head } = record;
    const members = head.audience === null ? null : await this.#membersOf(head.audience);
    const sent = await this.#numbered(members, report.sent);
    const applied = await this.#numbered(members, report.applied);
    const dropped = (await this.#numbers.of(members, report.dropped)).filter((number) => number !== null);
    if (!record.add(sent, applied, dropped)) return;
    this.#records.changed(record);
    const connected = [...[...sent, ...applied].map(({ number }) => number), ...dropped];
    await this.#addBefore(head, connected);
  }

  async #numbered(
    members: AudienceMembers | null,
    deliveries: DeliveryReport['sent'],
  ): Promise<readonly NumberedDelivery[]> {
    const numbers = await this.#numbers.of(
      members,
      deliveries.map(({ member }) => member),
    );
    return deliveries.flatMap(({ delayMs }, i) => {
      const number = numbers[i] ?? null;
      return number === null ? [] : [{ number, delayMs }];
    });
  }

  /** Of a report that came late: they were connected before what followed. */
  async #addBefore(head: CoverageHead, connected: readonly number[]): Promise<void> {
    for (const key of this.#parts.store.list(head.event)) {
      if (!isAfter(key, head)) return;
      const later = await this.#records.get(key);
      if (later === null || later.head.audience !== head.audience) continue;
      later.addBefore(connected);
      this.#records.changed(later);
    }
  }

  async #coverage(key: CoverageKey): Promise<Coverage | null> {
    const record = await this.#records.get(key);
    if (record === null) return null;
    return await this.#withPrefetched(record, (prefetched) => coverageOf(record, prefetched));
  }

  async #newest(event: string): Promise<CoverageRecord | null> {
    const [key] = this.#parts.store.list(event);
    return key === undefined ? null : await this.#records.get(key);
  }

  /** Of a broadcast that holds asked for now, of one that was superseded as it was then. */
  async #withPrefetched<T>(
    record: CoverageRecord,
    use: (prefetched: RoaringBitmap32 | null) => T,
  ): Promise<T> {
    const { event, audience } = record.head;
    if (audience === null || (await this.#newest(event)) !== record) return use(record.prefetched);
    const now = await this.#parts.sources.prefetched(event, audience);
    const answer = use(now ?? record.prefetched);
    now?.dispose();
    return answer;
  }

  async #write(record: CoverageRecord): Promise<void> {
    await this.#withPrefetched(record, (now) => {
      if (now !== null && now !== record.prefetched) record.setPrefetched(now);
    });
    await this.#records.write(record);
  }

  async #writeChanged(): Promise<void> {
    for (const record of this.#records.unwritten()) await this.#write(record);
  }

  async #writeNowAndThen(): Promise<void> {
    const { clock, limits } = this.#parts;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await clock.sleep(limits.writeEveryMs, signal);
      for (const event of this.#unbegun.events())
        await this.#logged('begin', event, () => this.#turn(() => this.#beginAll(event)));
      await this.#logged('write', null, () => this.#turn(() => this.#writeChanged()));
    }
  }

  async #membersOf(audience: string | null): Promise<AudienceMembers> {
    const members = audience === null ? null : await this.#parts.sources.audience(audience);
    if (members !== null) return members;
    throw new RefusedError(
      'COVERAGE_AUDIENCE_GONE',
      `The audience ${audience} was deleted, so that its members are not known by name any more; the figures of its broadcasts stay.`,
    );
  }

  #later(what: string, event: string, work: () => Promise<void>, deliveries: number): void {
    this.#deliveriesWaiting += deliveries;
    void this.#logged(what, event, async () => {
      try {
        await this.#turn(work);
      } catch (error) {
        this.#lostDeliveries += deliveries;
        throw error;
      } finally {
        this.#deliveriesWaiting -= deliveries;
      }
    });
  }

  /** Figures are not worth a crash of who sends broadcasts: what fails outside is logged. A bug is thrown. */
  async #logged(what: string, event: string | null, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof JourneyGraphError)) throw error;
      this.#parts.log.error({ code: error.code, event, what }, error.message);
    }
  }

  #turn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(async () => {
      try {
        return await work();
      } finally {
        await this.#records.trim();
      }
    });
    // Who asked is told of a failure; who comes next is not.
    this.#last = Promise.allSettled([mine]);
    return mine;
  }
}

function isAfter(one: Cursor, other: Cursor): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.sequence > other.sequence);
}
