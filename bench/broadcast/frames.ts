export const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** As a client has to send it: masked, with a key of zeros, which changes nothing. */
export function clientFrame(opcode: number, payload: Buffer | string): Buffer {
  const bytes = Buffer.from(payload);
  if (bytes.length > 65_535) throw new Error('messages of the benchmark are short');
  const long = bytes.length > 125;
  const head = Buffer.alloc(long ? 8 : 6);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (long ? 126 : bytes.length);
  if (long) head.writeUInt16BE(bytes.length, 2);
  return Buffer.concat([head, bytes]);
}

/** As a server sends it, whole and not compressed. */
export function serverFrame(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 65_535) throw new Error('messages of the benchmark are short');
  const long = bytes.length > 125;
  const head = Buffer.alloc(long ? 4 : 2);
  head[0] = 0x80 | opcodes.text;
  head[1] = long ? 126 : bytes.length;
  if (long) head.writeUInt16BE(bytes.length, 2);
  return Buffer.concat([head, bytes]);
}

export interface FrameBounds {
  readonly opcode: number;
  /** Of the payload. */
  readonly start: number;
  readonly end: number;
}

/** A server's frame from `offset` on; null while it is not there as a whole. Frames of 64 KiB and more are none of the benchmark's. */
export function readFrame(bytes: Buffer, offset: number): FrameBounds | null {
  if (bytes.length < offset + 2) return null;
  const opcode = (bytes[offset] ?? 0) & 0x0f;
  const short = (bytes[offset + 1] ?? 0) & 0x7f;
  if (short === 127) throw new Error('a frame of 64 KiB or more');
  if (short === 126 && bytes.length < offset + 4) return null;
  const start = offset + (short === 126 ? 4 : 2);
  const end = start + (short === 126 ? bytes.readUInt16BE(offset + 2) : short);
  return end > bytes.length ? null : { opcode, start, end };
}
