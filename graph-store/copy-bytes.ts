/** Copies `[start, end)` and answers where the copy ends. Names and values have some ten to forty bytes, for which a call into native code costs more than a loop. */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  let next = at;
  for (let i = start; i < end; i += 1) to[next++] = from[i] ?? 0;
  return next;
}
