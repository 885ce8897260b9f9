/** Two lanes of FNV-1a over whole numbers: tells whether two runs did the same, and protects nothing. */
export class TraceHash {
  #a = 0x811c9dc5;
  #b = 0x01000193;

  add(value: number): void {
    this.#a = Math.imul(this.#a ^ (value & 0xffff), 0x01000193);
    this.#a = Math.imul(this.#a ^ ((value >>> 16) & 0xffff), 0x01000193);
    this.#b = Math.imul(this.#b ^ (value | 0), 0x85ebca6b) ^ (this.#a >>> 13);
  }

  text(): string {
    const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(8, '0');
    return hex(this.#a) + hex(this.#b);
  }
}
