import type { Normalize } from './normalizer.ts';

/** Times a factor, as a double; null where that is not finite. A factor below one is a division, which rounds once. */
export function scale(factor: number): Normalize {
  const divisor = factor < 1 ? Math.round(1 / factor) : null;
  return (value) => {
    if (typeof value !== 'number' && typeof value !== 'bigint') return value;
    const scaled = divisor === null ? Number(value) * factor : Number(value) / divisor;
    return Number.isFinite(scaled) ? scaled : null;
  };
}
