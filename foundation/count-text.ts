/** A count for people: to the nearest whole number, with separators. */
export function countText(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}
