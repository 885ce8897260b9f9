export const dayMs = 86_400_000;
/** Slots; a power of two. A day's text takes its slot from another one's. */
const slots = 1024;
/** 9999-12-31: later years have more digits. */
const daysMax = 2_932_896;

const days = new Array<number>(slots).fill(-1);
const texts = new Array<string>(slots).fill('');

/** The day's `YYYY-MM-DD`, counted from 1970-01-01; null of one before it or beyond 9999. Making it is most of what a date's text costs. */
export function dayText(day: number): string | null {
  if (day < 0 || day > daysMax) return null;
  const slot = day & (slots - 1);
  if (days[slot] !== day) {
    texts[slot] = new Date(day * dayMs).toISOString().slice(0, 10);
    days[slot] = day;
  }
  return texts[slot] ?? null;
}
