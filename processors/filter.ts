/**
 * False for a tombstone (a record without value), which says nothing about the graph yet. Subjects without a mapping are
 * left out before their bytes are decoded, so they never come this far.
 */
export function hasMeaning(value: Uint8Array | null): value is Uint8Array {
  return value !== null;
}
