import { RefusedError } from '../foundation/index.ts';
import type { PropertyValue } from './model.ts';

const decimalPattern = /^(-?)(\d+)(?:\.(\d+))?$/;
/** No schema's decimal has more; longer texts are none, or one of them would cost a reader seconds. */
const decimalCharactersMax = 1_024;

/**
 * One value for what is one number: int and long are one kind to readers, so a set must know an element again whichever of the two wrote it.
 */
export function canonical(value: PropertyValue): PropertyValue {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * The sum of whole numbers and of decimals in text is exact; that of doubles is compensated (Neumaier, 1974), in the order given, so that
 * it is the same on every adapter. Whole numbers beyond 64 bits come as text. Throws RefusedError FOLD_INVALID for what is no number, and for a sum
 * beyond the doubles.
 */
export function sumOf(values: readonly Exclude<PropertyValue, null>[]): PropertyValue {
  if (values.some((value) => typeof value === 'bigint') && values.every(isWhole)) {
    const sum = values.reduce<bigint>((total, value) => total + BigInt(value), 0n);
    return BigInt.asIntN(64, sum) === sum ? sum : String(sum);
  }
  if (values.every((value) => typeof value === 'string')) return sumOfDecimals(values);
  return sumOfDoubles(values);
}

function isWhole(value: PropertyValue): value is number | bigint {
  return typeof value === 'bigint' || Number.isSafeInteger(value);
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
  if (!Number.isFinite(sum + lost)) throw notANumber();
  return sum + lost;
}

interface Decimal {
  readonly negative: boolean;
  /** Without leading zeros. */
  readonly whole: string;
  readonly fraction: string;
}

/** Null when it is none. */
function decimalOf(text: string): Decimal | null {
  if (text.length > decimalCharactersMax) return null;
  const [, sign, whole, fraction = ''] = decimalPattern.exec(text) ?? [];
  if (whole === undefined) return null;
  return { negative: sign === '-', whole: whole.replace(/^0+/, ''), fraction };
}

function sumOfDecimals(values: readonly string[]): string {
  const sums = new Map<number, bigint>();
  for (const value of values) {
    const decimal = decimalOf(value);
    if (decimal === null) throw notANumber();
    const { negative, whole, fraction } = decimal;
    const units = BigInt(`${whole}${fraction}` || '0');
    const scale = fraction.length;
    sums.set(scale, (sums.get(scale) ?? 0n) + (negative ? -units : units));
  }
  const scale = Math.max(...sums.keys());
  // Each scale is brought to the greatest one once, and not each value.
  const sum = [...sums].reduce((total, [own, units]) => total + units * 10n ** BigInt(scale - own), 0n);
  if (scale === 0) return String(sum);
  const digits = String(sum < 0n ? -sum : sum).padStart(scale + 1, '0');
  return `${sum < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The place of the least value, or of the greatest; decimals in text are compared as numbers. There is one value at least. */
export function extremeOf(values: readonly Exclude<PropertyValue, null>[], which: 'min' | 'max'): number {
  const decimals = values.map((value) => (typeof value === 'string' ? decimalOf(value) : null));
  const areDecimals = decimals.every((decimal) => decimal !== null);
  const order = (a: number, b: number): number => {
    const [left, right] = [decimals[a], decimals[b]];
    if (areDecimals && left && right) return compareDecimals(left, right);
    const [one, other] = [values[a] ?? 0, values[b] ?? 0];
    return one < other ? -1 : one > other ? 1 : 0;
  };
  let best = 0;
  for (let i = 1; i < values.length; i += 1) {
    if (which === 'min' ? order(i, best) < 0 : order(i, best) > 0) best = i;
  }
  return best;
}

function compareDecimals(a: Decimal, b: Decimal): number {
  const zero = isZero(a) && isZero(b);
  if (zero) return 0;
  const [left, right] = [a.negative && !isZero(a), b.negative && !isZero(b)];
  if (left !== right) return left ? -1 : 1;
  const order =
    a.whole.length - b.whole.length ||
    compareText(a.whole, b.whole) ||
    compareText(significant(a), significant(b));
  return left ? -order : order;
}

function isZero({ whole, fraction }: Decimal): boolean {
  return whole === '' && !/[1-9]/.test(fraction);
}

/** Behind the point, digits are compared from the left, and zeros at the end say nothing. */
function significant({ fraction }: Decimal): string {
  return fraction.replace(/0+$/, '');
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Numbers by size, text by its code units; values of different kinds by kind. The same on every adapter. */
export function inOrder(values: readonly PropertyValue[]): PropertyValue[] {
  return values.toSorted((a, b) => {
    const kinds = kindOrder.indexOf(kindOf(a)) - kindOrder.indexOf(kindOf(b));
    if (kinds !== 0 || a === null || b === null) return kinds;
    return a < b ? -1 : a > b ? 1 : 0;
  });
}

const kindOrder: readonly string[] = ['object', 'boolean', 'number', 'string'];

function kindOf(value: PropertyValue): string {
  return typeof value === 'bigint' ? 'number' : typeof value;
}

function notANumber(): RefusedError {
  return new RefusedError(
    'FOLD_INVALID',
    'A property is summed that has values which are no numbers, or too large ones; correct its mapping, or fold it by another rule.',
  );
}
