import { type Broadcast, type Cursor, closeCodes, type Resync, type Welcome } from '../../device/index.ts';
import { type Clock, type SteadyTime, unreachable } from '../../foundation/index.ts';
import type { History } from '../ports.ts';
import type { DeliveryLedger, LedgerPage } from './delivery-ledger.ts';
import { type CatchUp, EventHistory, type Kept } from './event-history.ts';
import { FeedSessions } from './feed-sessions.ts';
import { textFrame } from './frame.ts';
import type { GatewayLimits } from './gateway-limits.ts';
import { count, type GatewayMetrics } from './gateway-metrics.ts';
import type { Outlet, Session } from './session.ts';

/** Written to in less than half a millisecond, so that one moment is true of all. */
const batchSockets = 32;

export interface FeedParts {
  readonly limits: GatewayLimits;
  readonly clock: Clock;
  readonly steadyMs: SteadyTime;
  readonly ledger: DeliveryLedger;
  readonly metrics: GatewayMetrics;
  /** Closes a session for good. */
  readonly shut: (session: Session, code: number, reason: string) => void;
}

/**
 * One event at this gateway: its newest broadcasts and the sessions that hear of it.
 *
 * Why nothing is lost and nothing overtakes between replay and live. A broadcast is taken (`take`) and a session joins (`join`) in one
 * turn of the event loop each, and in its turn a session is written the state at the newest sequence, all it missed up to that one, and
 * is marked as having it. So a broadcast is either taken before the join, and then is in the answer; or after, and then the session is among
 * those it is sent to. Whatever must be waited for (token, journal) is waited for before that turn, and when the journal's answer does
 * not meet what has come meanwhile, the answer is a resync. Within a session the order is that of the calls of `write`.
 */
export class EventFeed {
  readonly event: string;
  readonly #parts: FeedParts;
  readonly #history: EventHistory;
  readonly #sessions = new FeedSessions();
  readonly #byDevice = new Map<string, Session>();
  /** Counts broadcasts here; a sequence would start again with an epoch. */
  #ordinal = 0;
  #passing = false;
  #isOver = false;
  /** When its last session left, by the steady time. */
  idleSinceMs: number;
  /** As the router was told last. */
  socketsTold = 0;

  constructor(event: string, parts: FeedParts) {
    this.event = event;
    this.#parts = parts;
    this.#history = new EventHistory(parts.limits);
    this.idleSinceMs = parts.steadyMs();
  }

  get newest(): Broadcast | null {
    return this.#history.newest?.broadcast ?? null;
  }

  get sessions(): readonly Session[] {
    return this.#sessions.all;
  }

  /** Sessions that the pass under way has not reached. */
  get queue(): number {
    return this.#passing ? this.#sessions.left : 0;
  }

  /** From the router, in any order and any number of times. */
  take(broadcast: Broadcast): void {
    if (this.#history.add(broadcast) === null) {
      this.#parts.metrics.stale += 1;
      return;
    }
    this.#ordinal += 1;
    if (!this.#passing) void this.#pass();
  }

  /** What the journal has from before the first broadcast that came. */
  prepend(broadcasts: readonly Broadcast[]): void {
    this.#history.prepend(broadcasts);
  }

  /** Whether a device with this cursor has seen more than this gateway was sent: then the router has to be asked before it can join. */
  isBehind(cursor: Cursor): boolean {
    return this.#history.isBehind(cursor);
  }

  /** Whether the journal has to be asked before a device with this cursor can join. */
  asks(cursor: Cursor): boolean {
    return this.#history.catchUp(cursor, null).kind === 'ask';
  }

  /** Answers the cursor and adds the session. Another one of the same device is replaced. */
  join(session: Session, cursor: Cursor, journal: History | null): void {
    const key = keyOf(session);
    const former = this.#byDevice.get(key);
    if (former !== undefined) this.#parts.shut(former, closeCodes.replaced, 'replaced');
    this.#byDevice.set(key, session);
    this.#sessions.add(session, this.#ordinal);
    if (this.#isOver) this.#shutGone(session);
    else this.#greet(session, this.#history.catchUp(cursor, journal));
  }

  /** There is no such event any more: closes its sessions, some at a time, and who is still on the way here. */
  async end(): Promise<void> {
    const { limits, clock } = this.#parts;
    this.#isOver = true;
    while (this.sessions.length > 0) {
      for (const session of this.sessions.slice(0, limits.fanOutSockets)) this.#shutGone(session);
      await clock.sleep(0);
    }
  }

  leave(session: Session): void {
    if (session.index < 0) return;
    this.#byDevice.delete(keyOf(session));
    this.#sessions.remove(session);
    if (this.sessions.length === 0) this.idleSinceMs = this.#parts.steadyMs();
  }

  /** Its device shows the stage of a broadcast. Nothing when it said so before, or the broadcast is none of ours. */
  applied(session: Session, { epoch, sequence }: Cursor, delayMs: number | null): void {
    const { metrics, ledger, clock } = this.#parts;
    const newest = this.newest;
    const known = newest !== null && epoch === newest.epoch && sequence <= newest.sequence;
    const again = epoch === session.appliedEpoch && sequence <= session.appliedSequence;
    const at = this.#history.find({ epoch, sequence })?.at;
    const delay = delayMs ?? (at === undefined ? null : Math.max(0, clock.now() - at));
    if (!known || again || delay === null) {
      metrics.ignored += 1;
      return;
    }
    session.appliedEpoch = epoch;
    session.appliedSequence = sequence;
    metrics.applied += 1;
    const page = ledger.page(this.event, { epoch, sequence });
    page.applied.add(session);
    page.applied.timed(delay);
  }

  /**
   * Writes the newest broadcast to all, some sockets a turn. One that comes meanwhile is what those not reached yet are written instead; for the
   * others there is another pass. A pass that began anew with each broadcast would never reach the last ones.
   */
  async #pass(): Promise<void> {
    this.#passing = true;
    let begunWith: number;
    do {
      begunWith = this.#ordinal;
      this.#sessions.rewind();
      this.#slice();
      while (this.#sessions.left > 0) {
        await this.#parts.clock.sleep(0);
        this.#slice();
      }
    } while (begunWith !== this.#ordinal);
    this.#sessions.rewind();
    this.#passing = false;
  }

  #slice(): void {
    const { newest } = this.#history;
    const { limits, ledger } = this.#parts;
    if (newest === null || this.sessions.length === 0) return;
    const page = ledger.page(this.event, newest.broadcast);
    for (let written = 0; written < limits.fanOutSockets; written += batchSockets) {
      if (this.#sessions.left === 0) return;
      const count = Math.min(batchSockets, limits.fanOutSockets - written);
      this.#deliver(this.#nextBatch(count, newest.frame.length, page), newest, page);
    }
  }

  /**
   * Those next in line that can be written to; no other code has its turn before they are. They are looked at together, ahead of the writes: between
   * two calls of the kernel each of them would have to come from memory anew.
   */
  #nextBatch(count: number, bytes: number, page: LedgerPage): readonly Outlet[] {
    const { limits, metrics, shut } = this.#parts;
    const sessions = this.#sessions;
    const batch: Outlet[] = [];
    for (let looked = 0; looked < count && sessions.left > 0; looked += 1) {
      const at = sessions.reached;
      const missed = this.#ordinal - sessions.reach(this.#ordinal);
      if (missed === 0) continue;
      metrics.collapsed += missed - 1;
      const outlet = sessions.outlet(at);
      if (!outlet.writable) continue;
      const session = sessions.session(at);
      if (outlet.writableLength + bytes > limits.socketBufferBytesMax) {
        page.dropped.push(session.member);
        shut(session, closeCodes.tooSlow, 'too slow');
      } else {
        batch.push(outlet);
        page.sent.add(session);
      }
    }
    return batch;
  }

  #deliver(batch: readonly Outlet[], { frame, broadcast }: Kept, page: LedgerPage): void {
    const { metrics, clock } = this.#parts;
    for (const outlet of batch) outlet.write(frame);
    metrics.sent += batch.length;
    metrics.bytes += batch.length * frame.length;
    page.sent.timed(Math.max(0, clock.now() - broadcast.at));
  }

  #shutGone(session: Session): void {
    this.#parts.shut(session, closeCodes.eventGone, 'event gone');
  }

  /** The greeting and what was missed, in one write. */
  #greet(session: Session, answer: CatchUp): void {
    const { newest } = this.#history;
    if (newest === null || answer.kind === 'ask') return;
    const { metrics, clock, limits } = this.#parts;
    const { type: _, ...state } = newest.broadcast;
    const greeting = { ...state, pingMs: limits.pingMs, now: clock.now() };
    switch (answer.kind) {
      case 'welcome': {
        metrics.welcomes += 1;
        const welcome: Welcome = { type: 'welcome', ...greeting, recovered: true };
        const frames = [textFrame(JSON.stringify(welcome)), ...answer.missed.map(({ frame }) => frame)];
        session.wire.write(Buffer.concat(frames));
        for (const kept of answer.missed) this.#recordReplay(session, kept.broadcast, greeting.now);
        break;
      }
      case 'resync': {
        count(metrics.resyncs, answer.reason);
        const resync: Resync = { type: 'resync', ...greeting, reason: answer.reason };
        session.wire.write(textFrame(JSON.stringify(resync)));
        this.#recordReplay(session, newest.broadcast, greeting.now);
        break;
      }
      default:
        unreachable(answer);
    }
  }

  #recordReplay(session: Session, broadcast: Broadcast, nowMs: number): void {
    const page = this.#parts.ledger.page(this.event, broadcast);
    page.sent.add(session);
    page.sent.timed(Math.max(0, nowMs - broadcast.at));
  }
}

/** A member's id may hold anything but a line's end. */
function keyOf({ member, device }: Session): string {
  return `${member}\n${device}`;
}
