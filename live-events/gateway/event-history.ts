import type { Broadcast, Cursor, ResyncReason } from '../../device/index.ts';
import type { History } from '../ports.ts';
import { textFrame } from './frame.ts';

export interface Kept {
  readonly broadcast: Broadcast;
  /** Shared by all sockets. */
  readonly frame: Buffer;
}

/** What a device with a cursor is answered; `ask`: only the journal can say. */
export type CatchUp =
  | { readonly kind: 'welcome'; readonly missed: readonly Kept[] }
  | { readonly kind: 'resync'; readonly reason: ResyncReason }
  | { readonly kind: 'ask' };

export interface HistoryLimits {
  readonly historyBroadcastsMax: number;
  readonly replayBroadcastsMax: number;
}

/**
 * The newest broadcasts of one event, of one epoch and without a hole: a hole or a greater epoch empties it, the oldest goes
 * when there are too many. What is not in it the journal has, or nobody.
 */
export class EventHistory {
  readonly #limits: HistoryLimits;
  #kept: Kept[] = [];

  constructor(limits: HistoryLimits) {
    this.#limits = limits;
  }

  get newest(): Kept | null {
    return this.#kept.at(-1) ?? null;
  }

  /** Null when it is here, or is older than what is here. */
  add(broadcast: Broadcast): Kept | null {
    const newest = this.newest?.broadcast;
    if (newest !== undefined && !isAfter(broadcast, newest)) return null;
    const follows = newest?.epoch === broadcast.epoch && newest.sequence + 1 === broadcast.sequence;
    if (!follows) this.#kept = [];
    const kept = keep(broadcast);
    this.#kept.push(kept);
    if (this.#kept.length > this.#limits.historyBroadcastsMax) this.#kept.shift();
    return kept;
  }

  /** What the journal has from before: as much of it as leads up to the first one here without a hole. */
  prepend(broadcasts: readonly Broadcast[]): void {
    for (const broadcast of broadcasts.toReversed()) {
      const first = this.#kept[0]?.broadcast;
      if (first === undefined || this.#kept.length >= this.#limits.historyBroadcastsMax) return;
      if (broadcast.epoch === first.epoch && broadcast.sequence + 1 === first.sequence)
        this.#kept.unshift(keep(broadcast));
    }
  }

  find({ epoch, sequence }: Cursor): Broadcast | null {
    const first = this.#kept[0]?.broadcast;
    if (first === undefined || first.epoch !== epoch) return null;
    return this.#kept[sequence - first.sequence]?.broadcast ?? null;
  }

  /** The last `count` up to the newest. */
  #last(count: number): readonly Kept[] {
    return count === 0 ? [] : this.#kept.slice(-count);
  }

  /** Whether a device has seen more than this gateway was sent. */
  isBehind(cursor: Cursor): boolean {
    const newest = this.newest?.broadcast;
    return newest !== undefined && isAfter(cursor, newest);
  }

  /** @param journal What the journal said about this cursor; null before it was asked. */
  catchUp(cursor: Cursor, journal: History | null): CatchUp {
    const newest = this.newest?.broadcast;
    const [first] = this.#kept;
    if (cursor.epoch === 0 || newest === undefined || first === undefined) return resync('NEW');
    if (cursor.epoch < newest.epoch) return resync('EPOCH');
    if (isAfter(cursor, newest)) return resync(cursor.epoch > newest.epoch ? 'EPOCH' : 'AHEAD');
    const missed = newest.sequence - cursor.sequence;
    const { replayBroadcastsMax } = this.#limits;
    if (missed === 0) return { kind: 'welcome', missed: [] };
    if (first.broadcast.sequence <= cursor.sequence + 1)
      return { kind: 'welcome', missed: this.#last(missed > replayBroadcastsMax ? 1 : missed) };
    if (journal === null) return { kind: 'ask' };
    if (journal.kind === 'resync') return resync(journal.reason);
    if (missed > replayBroadcastsMax) return { kind: 'welcome', missed: this.#last(1) };
    return this.#joined(cursor, journal.broadcasts);
  }

  /** The journal's answer, then what is here: they overlap or meet, or the answer came too late. */
  #joined(cursor: Cursor, broadcasts: readonly Broadcast[]): CatchUp {
    const first = this.#kept[0]?.broadcast.sequence ?? 0;
    const older = broadcasts.filter(({ epoch, sequence }) => epoch === cursor.epoch && sequence < first);
    const whole = older.every(({ sequence }, index) => sequence === cursor.sequence + 1 + index);
    if (!whole || cursor.sequence + older.length + 1 !== first) return tooOld;
    return { kind: 'welcome', missed: [...older.map(keep), ...this.#kept] };
  }
}

export function isAfter(one: Cursor, other: Cursor): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.sequence > other.sequence);
}

function keep(broadcast: Broadcast): Kept {
  const { type, event, epoch, sequence, version, stage, at } = broadcast;
  return {
    broadcast,
    frame: textFrame(JSON.stringify({ type, event, epoch, sequence, version, stage, at })),
  };
}

const tooOld: CatchUp = { kind: 'resync', reason: 'TOO_OLD' };

function resync(reason: ResyncReason): CatchUp {
  return { kind: 'resync', reason };
}
