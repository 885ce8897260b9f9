import type { BadDataError } from '../foundation/index.ts';

export type ContainerFault = (what: string, cause?: unknown) => BadDataError;

/** A file's bytes in the order asked for, a chunk in memory at a time. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #bytesMax: number;
  readonly #fault: ContainerFault;
  #rest: Buffer = Buffer.alloc(0);
  #position = 0;

  /** @param bytesMax of what is asked for at once. */
  constructor(chunks: AsyncIterable<Uint8Array>, bytesMax: number, fault: ContainerFault) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#bytesMax = bytesMax;
    this.#fault = fault;
  }

  get position(): number {
    return this.#position;
  }

  async isAtEnd(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#more());
  }

  async bytes(count: number): Promise<Buffer> {
    if (count < 0 || count > this.#bytesMax) throw this.damaged();
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#rest.length === 0 && !(await this.#more()))
        throw this.#fault('ends in the middle of a block');
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    this.#position += count;
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  /** Avro's zigzag varint; beyond 2^53 no file is so long. */
  async long(): Promise<number> {
    let value = 0;
    for (let shift = 0; shift < 8; shift += 1) {
      const byte = (await this.bytes(1))[0] ?? 0;
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw this.damaged();
  }

  damaged(): BadDataError {
    return this.#fault(`is damaged at byte ${this.#position}`);
  }

  async #more(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return false;
      if (value.length === 0) continue;
      this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      return true;
    }
  }
}
