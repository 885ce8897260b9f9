import { dayMs, dayText } from './day-text.ts';

const startBytes = 64 * 1024;
/** Beyond it the room is given back with the text: few answers are so large. */
const keptBytes = 1024 * 1024;
/** Of one byte of a text at most: `\u001f`. */
const escapeBytes = 6;
/** `2026-11-22T13:46:34.123Z` and its quotes. */
const timeBytes = 26;

/** Of 32 bits with a sign: what is divided without a fraction. */
const digitsMax = 0x7fff_ffff;

const quote = 34;
const backslash = 92;
const escapes = Array.from({ length: 128 }, (_, code) => {
  const text = JSON.stringify(String.fromCharCode(code)).slice(1, -1);
  return text.length > 1 ? Buffer.from(text) : null;
});

/**
 * JSON made of bytes that are UTF-8 already, such as a row's, without a string for each of them. One for all answers: what is written between `begin` and `end` is
 * written in one turn.
 */
export class JsonBytes {
  #bytes = Buffer.allocUnsafeSlow(startBytes);
  #at = 0;
  #isAscii = true;

  begin(): void {
    this.#at = 0;
    this.#isAscii = true;
  }

  end(): string {
    // A text of one byte a character is shorter, and found without looking for others.
    const text = this.#bytes.toString(this.#isAscii ? 'latin1' : 'utf8', 0, this.#at);
    if (this.#bytes.length > keptBytes) this.#bytes = Buffer.allocUnsafeSlow(startBytes);
    return text;
  }

  /** As it is; ASCII. */
  ascii(text: string): void {
    this.#reserve(text.length);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < text.length; i += 1) bytes[at++] = text.charCodeAt(i);
    this.#at = at;
  }

  /** As it is; any text. */
  raw(text: string): void {
    const length = Buffer.byteLength(text);
    this.#reserve(length);
    if (length !== text.length) this.#isAscii = false;
    this.#at += this.#bytes.write(text, this.#at);
  }

  byte(code: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = code;
  }

  /** A text, from `start` to `end` of `from`. */
  text(from: Uint8Array, { start, end }: { readonly start: number; readonly end: number }): void {
    this.#reserve((end - start) * escapeBytes + 2);
    const bytes = this.#bytes;
    let at = this.#at;
    let seen = 0;
    bytes[at++] = quote;
    for (let i = start; i < end; i += 1) {
      const code = from[i] ?? 0;
      seen |= code;
      if (code < 32 || code === quote || code === backslash) at = this.#escape(code, at);
      else bytes[at++] = code;
    }
    bytes[at++] = quote;
    if (seen > 127) this.#isAscii = false;
    this.#at = at;
  }

  /**
   * A number that JSON has; `null` for others. Not by `String`: V8 keeps what that makes in a table of its old generation, where each text stays until the next full
   * collection.
   */
  number(value: number): void {
    if (value >= 0 && value <= digitsMax && Number.isInteger(value)) this.#wholeNumber(value);
    else this.ascii(JSON.stringify(value));
  }

  #wholeNumber(value: number): void {
    let digits = 1;
    for (let bound = 10; digits < 10 && value >= bound; bound *= 10) digits += 1;
    this.#reserve(digits);
    const bytes = this.#bytes;
    let rest = value | 0;
    let at = this.#at + digits;
    this.#at = at;
    do {
      bytes[--at] = 48 + (rest % 10);
      rest = (rest / 10) | 0;
    } while (rest > 0);
  }

  /** Milliseconds since 1970 as a DateTime; false where that takes more than digits, and nothing was written. */
  time(timeMs: number): boolean {
    const day = Math.floor(timeMs / dayMs);
    const text = Number.isSafeInteger(timeMs) ? dayText(day) : null;
    if (text === null) return false;
    this.#reserve(timeBytes);
    const bytes = this.#bytes;
    this.byte(quote);
    this.ascii(text);
    const restMs = timeMs - day * dayMs;
    const seconds = Math.floor(restMs / 1000);
    this.#digits(84, Math.floor(seconds / 3600));
    this.#digits(58, Math.floor(seconds / 60) % 60);
    this.#digits(58, seconds % 60);
    const millis = restMs - seconds * 1000;
    bytes[this.#at++] = 46;
    bytes[this.#at++] = 48 + Math.floor(millis / 100);
    bytes[this.#at++] = 48 + (Math.floor(millis / 10) % 10);
    bytes[this.#at++] = 48 + (millis % 10);
    bytes[this.#at++] = 90;
    bytes[this.#at++] = quote;
    return true;
  }

  /** Two of them behind a sign. There is room. */
  #digits(sign: number, value: number): void {
    this.#bytes[this.#at++] = sign;
    this.#bytes[this.#at++] = 48 + Math.floor(value / 10);
    this.#bytes[this.#at++] = 48 + (value % 10);
  }

  /** There is room. */
  #escape(code: number, start: number): number {
    let at = start;
    for (const one of escapes[code] ?? []) this.#bytes[at++] = one;
    return at;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#at + bytes));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}
