import { mixed } from './node-hash.ts';

const indexBits = 12;
const registerCount = 2 ** indexBits;
const hashSpace = 2 ** 32;

/** One standard error of an estimate, as a share. */
export const relativeError = 1.04 / Math.sqrt(registerCount);

/**
 * Counts distinct things in 4 KiB. Adding is idempotent and order-free, so replays and duplicates change nothing.
 *
 * Philippe Flajolet, Éric Fusy, Olivier Gandouet, Frédéric Meunier: "HyperLogLog: the analysis of a near-optimal
 * cardinality estimation algorithm", AofA 2007, figure 3, with its small- and large-range corrections for 32-bit hashes.
 */
export class HyperLogLog {
  readonly registers: Uint8Array;

  constructor(registers: Uint8Array = new Uint8Array(registerCount)) {
    this.registers = registers;
  }

  /** True when the estimate's state changed. `hash` is 32 well-mixed bits. */
  add(hash: number): boolean {
    const index = hash >>> (32 - indexBits);
    // The added bit bounds the rank at one more than the bits that are left.
    const rank = Math.clz32((hash << indexBits) | (1 << (indexBits - 1))) + 1;
    if (rank <= (this.registers[index] ?? 0)) return false;
    this.registers[index] = rank;
    return true;
  }

  /** The sketch of two sets' union has the greater of each two registers. */
  join(registers: Uint8Array): void {
    for (const [i, register] of registers.entries()) {
      if (register > (this.registers[i] ?? 0)) this.registers[i] = register;
    }
  }

  estimate(): number {
    let sum = 0;
    let zeros = 0;
    for (const register of this.registers) {
      sum += 2 ** -register;
      if (register === 0) zeros += 1;
    }
    const alpha = 0.7213 / (1 + 1.079 / registerCount);
    const raw = (alpha * registerCount * registerCount) / sum;
    if (raw <= 2.5 * registerCount && zeros > 0) {
      return Math.round(registerCount * Math.log(registerCount / zeros));
    }
    if (raw <= hashSpace / 30) return Math.round(raw);
    return Math.round(-hashSpace * Math.log(1 - raw / hashSpace));
  }
}

/** Mixes two hashes into one; order matters. */
export function mixHashes(a: number, b: number): number {
  return mixed(Math.imul(a, 0x9e3779b1) ^ Math.imul(b ^ (b >>> 15), 0x85ebca77));
}
