import type { Session } from './session.ts';

/**
 * Sessions by when they are due, in slots of one tick each, so that one timer serves all of them: a timer a socket is memory, and the
 * timers of those who came together would fire together. What is due later than a whole turn waits in its slot for another turn.
 */
export class SessionWheel {
  readonly #slots: readonly Set<Session>[];
  readonly #tickMs: number;
  #tick: number;

  constructor(turnMs: number, tickMs: number, nowMs: number) {
    this.#slots = Array.from({ length: Math.ceil(turnMs / tickMs) + 2 }, () => new Set<Session>());
    this.#tickMs = tickMs;
    this.#tick = Math.floor(nowMs / tickMs);
  }

  add(session: Session): void {
    const tick = Math.max(this.#tick + 1, Math.ceil(session.dueMs / this.#tickMs));
    session.slot = tick % this.#slots.length;
    this.#slots[session.slot]?.add(session);
  }

  remove(session: Session): void {
    this.#slots[session.slot]?.delete(session);
    session.slot = -1;
  }

  /** Those that are due, taken out. A clock that jumped ahead has each slot looked at once. */
  *due(nowMs: number): Generator<Session> {
    const now = Math.floor(nowMs / this.#tickMs);
    this.#tick = Math.max(this.#tick, now - this.#slots.length);
    while (this.#tick < now) {
      this.#tick += 1;
      const slot = this.#slots[this.#tick % this.#slots.length] ?? new Set();
      for (const session of slot) {
        if (session.dueMs > nowMs) continue;
        this.remove(session);
        yield session;
      }
    }
  }
}
