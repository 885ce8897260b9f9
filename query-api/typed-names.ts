export const graphqlName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** By code units, which is the same everywhere. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
