/** Longer ones take longer to look through than a call into native code does. */
const plainLengthMax = 64;

/** What `JSON.stringify` makes of a text. */
export function jsonText(text: string): string {
  if (text.length > plainLengthMax) return JSON.stringify(text);
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    // Quotes, backslashes, control characters; and halves of pairs, which JSON has an own way for.
    if (code < 32 || code === 34 || code === 92 || code > 126) return JSON.stringify(text);
  }
  return `"${text}"`;
}
