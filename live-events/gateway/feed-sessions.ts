import { must } from '../../foundation/index.ts';
import type { Outlet, Session } from './session.ts';

/**
 * The sessions of a feed, in the order in which a pass goes through them, as columns. A pass that reads columns touches of each session
 * its connection alone, which has to be touched anyway: at 19,000 sockets whatever else it reads comes from memory anew, for each
 * delivery (docs/performance.md).
 */
export class FeedSessions {
  readonly #sessions: Session[] = [];
  readonly #outlets: Outlet[] = [];
  /** The feed's count of broadcasts as of the last one written to each. */
  readonly #delivered: number[] = [];
  /** Those before it have been written to by the pass that is under way, or need nothing of it. */
  #reached = 0;

  get all(): readonly Session[] {
    return this.#sessions;
  }

  get reached(): number {
    return this.#reached;
  }

  /** Those that the pass has not reached. */
  get left(): number {
    return this.#sessions.length - this.#reached;
  }

  rewind(): void {
    this.#reached = 0;
  }

  add(session: Session, delivered: number): void {
    session.index = this.#sessions.length;
    this.#sessions.push(session);
    this.#outlets.push(session.wire.outlet);
    this.#delivered.push(delivered);
  }

  /** The hole is filled from its own part of the column, so that nobody is moved from those not reached to those reached. */
  remove(session: Session): void {
    let hole = session.index;
    session.index = -1;
    if (hole < this.#reached) {
      this.#reached -= 1;
      this.#move(this.#reached, hole);
      hole = this.#reached;
    }
    this.#move(this.#sessions.length - 1, hole);
    this.#sessions.pop();
    this.#outlets.pop();
    this.#delivered.pop();
  }

  /** Goes past the next one in line, which has `ordinal` from now on. Answers what it had. */
  reach(ordinal: number): number {
    const at = this.#reached;
    const delivered = this.#delivered[at] ?? ordinal;
    this.#delivered[at] = ordinal;
    this.#reached += 1;
    return delivered;
  }

  session(at: number): Session {
    return must(this.#sessions[at], 'a pass looks at rows that are there');
  }

  outlet(at: number): Outlet {
    return must(this.#outlets[at], 'a pass looks at rows that are there');
  }

  #move(from: number, to: number): void {
    if (from === to) return;
    const session = this.session(from);
    session.index = to;
    this.#sessions[to] = session;
    this.#outlets[to] = this.outlet(from);
    this.#delivered[to] = this.#delivered[from] ?? 0;
  }
}
