import type { NodeRef } from './model.ts';

/** A node's name as a packed batch has it, a character a byte: no UTF-8 has to be read to look for it. */
export function ownerKey({ type, id }: NodeRef): string {
  return Buffer.from(`${type}\0${id}`).toString('latin1');
}

const slotCount = 65_536;

/** Nodes that steps are looked for of. Whoever is not among them is found out from a hash, mostly, without a string being made. */
export class OwnerSet {
  readonly #keys = new Set<string>();
  /** How many keys fall into each; a key's hash is its slot. */
  readonly #slots = new Uint16Array(slotCount);

  get size(): number {
    return this.#keys.size;
  }

  add(key: string): void {
    if (this.#keys.has(key)) return;
    this.#keys.add(key);
    this.#count(key, 1);
  }

  delete(key: string): void {
    if (this.#keys.delete(key)) this.#count(key, -1);
  }

  /** The key that the bytes `[from, to)` are, when it is among these; else null. */
  find(bytes: Buffer, from: number, to: number): string | null {
    if (this.#slots[slotOf(bytes, from, to)] === 0) return null;
    const key = bytes.toString('latin1', from, to);
    return this.#keys.has(key) ? key : null;
  }

  #count(key: string, by: 1 | -1): void {
    const bytes = Buffer.from(key, 'latin1');
    const slot = slotOf(bytes, 0, bytes.length);
    this.#slots[slot] = (this.#slots[slot] ?? 0) + by;
  }
}

/** FNV-1a, folded. Whoever makes ids collide gains nothing but that his own cost a string each. */
function slotOf(bytes: Buffer, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i += 1) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return (hash ^ (hash >>> 16)) & (slotCount - 1);
}
