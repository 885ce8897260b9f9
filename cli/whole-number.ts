import { RefusedError } from '../foundation/index.ts';

/** @throws RefusedError `UNEXPECTED_ARGUMENT` when it is none from 1 to `max`. */
export function wholeNumberOf(flag: string, text: string | undefined, max: number): number {
  const value = /^\d{1,9}$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (value >= 1 && value <= max) return value;
  throw new RefusedError('UNEXPECTED_ARGUMENT', `${flag} takes a whole number from 1 to ${max}.`);
}
