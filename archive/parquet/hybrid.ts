/**
 * Reads exactly `count` numbers of Parquet's mix of runs and bit-packed groups: levels, dictionary indexes, booleans.
 * A run longer than what is wanted is cut, so no header can make this take more memory than `count` numbers.
 */
export function decodeHybrid(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  count: number,
): Uint8Array | Int32Array {
  if (width > 32) throw new Error(`it holds numbers of ${width} bits`);
  const output = width <= 8 ? new Uint8Array(count) : new Int32Array(count);
  if (width === 0) return output;
  let at = start;
  let seen = 0;
  while (seen < count) {
    let header = 0;
    let byte = 0x80;
    for (let shift = 0; byte >= 0x80; shift += 7) {
      if (at >= end || shift > 28) throw new Error('a run of levels or indexes ends early');
      byte = bytes[at] ?? 0;
      at += 1;
      header += (byte & 0x7f) * 2 ** shift;
    }
    const size = Math.floor(header / 2);
    if (header % 2 === 1) {
      const wanted = Math.min(size * 8, count - seen);
      if (Math.ceil((wanted * width) / 8) > end - at) throw new Error('packed levels or indexes end early');
      unpack(bytes, at, width, output, seen, wanted);
      at += size * width;
      seen += wanted;
    } else {
      const valueBytes = Math.ceil(width / 8);
      if (valueBytes > end - at) throw new Error('a run of levels or indexes ends early');
      let value = 0;
      for (let index = 0; index < valueBytes; index += 1)
        value += (bytes[at + index] ?? 0) * 2 ** (8 * index);
      at += valueBytes;
      const until = Math.min(count, seen + size);
      output.fill(value, seen, until);
      seen = until;
    }
  }
  return output;
}

function unpack(
  bytes: Uint8Array,
  start: number,
  width: number,
  output: Uint8Array | Int32Array,
  from: number,
  count: number,
): void {
  // Less than 39 bits at a time, which a double holds exactly.
  const range = 2 ** width;
  let held = 0;
  let bits = 0;
  let at = start;
  for (let index = 0; index < count; index += 1) {
    while (bits < width) {
      held += (bytes[at] ?? 0) * 2 ** bits;
      at += 1;
      bits += 8;
    }
    const rest = Math.floor(held / range);
    output[from + index] = held - rest * range;
    held = rest;
    bits -= width;
  }
}
