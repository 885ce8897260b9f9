import type { Delivery } from '../ports.ts';
import type { Session } from './session.ts';

/**
 * Deliveries as columns that are used again. Arrays made anew for each broadcast are copied as they grow and outlive the young generation: at 19,000
 * sockets the whole heap had to be collected after every tenth broadcast, in the middle of one (docs/performance.md).
 */
export class DeliveryColumns {
  /** From `#length` on nothing but nulls, so that no session is kept that has gone. */
  readonly #sessions: (Session | null)[] = [];
  readonly #delaysMs: number[] = [];
  #length = 0;
  #timed = 0;

  get length(): number {
    return this.#length;
  }

  /** Its delay follows with `timed`, in the same turn. */
  add(session: Session): void {
    this.#sessions[this.#length] = session;
    this.#length += 1;
  }

  /** The delay of all that were added since the last call. */
  timed(delayMs: number): void {
    for (; this.#timed < this.#length; this.#timed += 1) this.#delaysMs[this.#timed] = delayMs;
  }

  slice(from: number, size: number): readonly Delivery[] {
    const deliveries: Delivery[] = [];
    for (let at = from; at < Math.min(this.#length, from + size); at += 1) {
      const session = this.#sessions[at];
      if (session === null || session === undefined) continue;
      const { member, device } = session;
      deliveries.push({ member, device, delayMs: this.#delaysMs[at] ?? 0 });
    }
    return deliveries;
  }

  clear(): void {
    this.#sessions.fill(null, 0, this.#length);
    this.#length = 0;
    this.#timed = 0;
  }
}
