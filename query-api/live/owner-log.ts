import type { TimePosition } from '../../graph-store/index.ts';
import type { AppliedStep } from './step-feed.ts';

/** The steps of one owner, the oldest forgotten first. */
export class OwnerLog {
  readonly owner: string;
  readonly listeners = new Set<() => void>();
  readonly #steps: AppliedStep[] = [];
  readonly #sequences = new Map<string, number>();
  /** On their way to the store, and how often. */
  readonly #pending = new Map<string, number>();
  /** Nothing may be counted on before the log has begun. */
  #heldSince = Number.POSITIVE_INFINITY;
  /** When the last listener went; null while there is one. */
  idleSinceMs: number | null = null;

  constructor(owner: string) {
    this.owner = owner;
  }

  get size(): number {
    return this.#steps.length;
  }

  get heldSince(): number {
    return this.#heldSince;
  }

  /** Every step after this sequence is held. */
  beginAt(sequence: number): void {
    this.#heldSince = sequence;
  }

  begin(place: TimePosition): void {
    const key = keyOf(place);
    this.#pending.set(key, (this.#pending.get(key) ?? 0) + 1);
  }

  end(place: TimePosition): void {
    const key = keyOf(place);
    const left = (this.#pending.get(key) ?? 1) - 1;
    if (left <= 0) this.#pending.delete(key);
    else this.#pending.set(key, left);
  }

  /** False when it is held already: the same event came again. */
  append({ sequence, timeMs, occurrence }: AppliedStep): boolean {
    const key = keyOf({ timeMs, occurrence });
    if (this.#sequences.has(key)) return false;
    this.#sequences.set(key, sequence);
    this.#steps.push({ sequence, timeMs, occurrence });
    return true;
  }

  forgetOldest(): void {
    const oldest = this.#steps.shift();
    if (oldest === undefined) return;
    this.#sequences.delete(keyOf(oldest));
    // Before the log began, what it holds is but a part.
    if (this.#heldSince < oldest.sequence) this.#heldSince = oldest.sequence;
  }

  next(sequence: number): AppliedStep | null {
    return this.#steps.find((step) => step.sequence > sequence) ?? null;
  }

  holds(place: TimePosition, sequence: number): boolean {
    const key = keyOf(place);
    const held = this.#sequences.get(key);
    // One that is held is not recorded again when it comes again.
    return held === undefined ? this.#pending.has(key) : held > sequence;
  }

  tell(): void {
    for (const changed of this.listeners) changed();
  }
}

function keyOf({ timeMs, occurrence }: TimePosition): string {
  return `${timeMs}/${occurrence}`;
}
