import { RefusedError } from '../foundation/index.ts';
import type { PropertyValue } from './model.ts';

const decimalPattern = /^(-?)(\d+)(?:\.(\d+))?$/;

/**
 * The sum of whole numbers and of decimals in text is exact; that of doubles is compensated (Neumaier, 1974), in the order given, so that
 * it is the same on every adapter. Whole numbers beyond 64 bits come as text. Throws RefusedError FOLD_INVALID for what is no number.
 */
export function sumOf(values: readonly Exclude<PropertyValue, null>[]): PropertyValue {
  if (values.every((value) => typeof value === 'bigint')) {
    const sum = values.reduce((total, value) => total + value, 0n);
    return BigInt.asIntN(64, sum) === sum ? sum : String(sum);
  }
  if (values.every((value) => typeof value === 'string')) return sumOfDecimals(values);
  return sumOfDoubles(values);
}

function sumOfDoubles(values: readonly Exclude<PropertyValue, null>[]): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    if (typeof value !== 'number' && typeof value !== 'bigint') throw notANumber();
    const term = Number(value);
    const next = sum + term;
    lost += Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum;
    sum = next;
  }
  // Beyond the range of doubles there is nothing to compensate.
  return Number.isFinite(sum) ? sum + lost : sum;
}

function sumOfDecimals(values: readonly string[]): string {
  const decimals = unitsOf(values);
  if (decimals === null) throw notANumber();
  const { scale, units } = decimals;
  const sum = units.reduce((total, value) => total + value, 0n);
  if (scale === 0) return String(sum);
  const digits = String(sum < 0n ? -sum : sum).padStart(scale + 1, '0');
  return `${sum < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Decimals as whole numbers of one unit; null when one of the texts is no decimal. */
function unitsOf(values: readonly string[]): { readonly scale: number; readonly units: bigint[] } | null {
  const parts = values.flatMap((value) => {
    const [, sign, whole, fraction = ''] = decimalPattern.exec(value) ?? [];
    return sign === undefined || whole === undefined ? [] : [{ sign, whole, fraction }];
  });
  if (parts.length < values.length) return null;
  const scale = parts.reduce((most, { fraction }) => Math.max(most, fraction.length), 0);
  const units = parts.map(({ sign, whole, fraction }) => {
    const digits = BigInt(whole + fraction.padEnd(scale, '0'));
    return sign === '-' ? -digits : digits;
  });
  return { scale, units };
}

/** The place of the least value, or of the greatest; decimals in text are compared as numbers. There is one value at least. */
export function extremeOf(values: readonly Exclude<PropertyValue, null>[], which: 'min' | 'max'): number {
  const texts = values.filter((value) => typeof value === 'string');
  const decimals = texts.length === values.length ? unitsOf(texts) : null;
  const compared = decimals?.units ?? values;
  let best = 0;
  for (let i = 1; i < compared.length; i += 1) {
    const [value, found] = [compared[i], compared[best]];
    if (value === undefined || found === undefined) continue;
    if (which === 'min' ? value < found : value > found) best = i;
  }
  return best;
}

/** Numbers by size, text by its code units; values of different kinds by kind. The same on every adapter. */
export function inOrder(values: readonly PropertyValue[]): PropertyValue[] {
  return values.toSorted((a, b) => {
    const kinds = kindOrder.indexOf(typeof a) - kindOrder.indexOf(typeof b);
    if (kinds !== 0 || a === null || b === null) return kinds;
    return a < b ? -1 : a > b ? 1 : 0;
  });
}

const kindOrder: readonly string[] = ['object', 'boolean', 'number', 'bigint', 'string'];

function notANumber(): RefusedError {
  return new RefusedError(
    'FOLD_INVALID',
    'A property is summed that has values which are no numbers; correct its mapping, or fold it by another rule.',
  );
}
