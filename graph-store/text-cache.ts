/** Slots; a power of two. */
const slots = 1024;
/** What is longer is seldom there twice. */
export const cachedBytesMax = 32;

/**
 * Strings that were decoded before, found by their bytes: rows repeat names, types and short values, and a call into Node for each
 * is most of what decoding a row costs. ASCII only, so that a string's characters are its bytes. Bounded by policy *the newer one takes the slot*.
 */
export class TextCache {
  readonly #texts: string[] = new Array<string>(slots).fill('');

  /** `end - start` is 1 or more. */
  get(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    const slot = slotOf(bytes, start, length);
    const cached = this.#texts[slot] ?? '';
    if (cached.length === length && isText(cached, bytes, start)) return cached;
    const text = bytes.toString('utf8', start, end);
    if (isText(text, bytes, start) && text.length === length) this.#texts[slot] = text;
    return text;
  }
}

function slotOf(bytes: Buffer, start: number, length: number): number {
  const first = bytes[start] ?? 0;
  const middle = bytes[start + (length >> 1)] ?? 0;
  const last = bytes[start + length - 1] ?? 0;
  return (Math.imul(length + first * 31 + middle * 1009 + last * 8191, 0x9e3779b1) >>> 22) & (slots - 1);
}

/** Never of a text that is not ASCII: its characters are not its bytes. */
function isText(text: string, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 127 || code !== bytes[start + i]) return false;
  }
  return true;
}
