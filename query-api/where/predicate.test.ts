import { describe, expect, it } from 'vitest';
import type { PropertyValue } from '../../graph-store/index.ts';
import { type Comparison, holds, type Predicate } from './predicate.ts';

const values: Readonly<Record<string, PropertyValue | readonly PropertyValue[]>> = {
  country: 'DE',
  seconds: 60n,
  share: 0.5,
  kids: false,
  nothing: null,
  genres: ['drama', 'crime'],
};

function is(name: string, comparison: Comparison): boolean {
  return holds({ kind: 'property', name, comparison }, (property) => values[property]);
}

describe('a condition on properties', () => {
  it('compares whole numbers and fractions exactly, and texts with texts only', () => {
    expect(is('seconds', { operator: 'eq', value: 60 })).toBe(true);
    expect(is('seconds', { operator: 'gt', value: 59.5 })).toBe(true);
    expect(is('share', { operator: 'lte', value: 1n })).toBe(true);
    expect(is('country', { operator: 'lt', value: 'FR' })).toBe(true);
    expect(is('country', { operator: 'lt', value: 5 })).toBe(false);
    expect(is('kids', { operator: 'eq', value: false })).toBe(true);
    expect(is('seconds', { operator: 'eq', value: 2n ** 63n })).toBe(false);
  });

  it('holds for no comparison but ne and exists: false where there is nothing', () => {
    for (const name of ['nothing', 'absent']) {
      expect(is(name, { operator: 'eq', value: '' })).toBe(false);
      expect(is(name, { operator: 'gte', value: 0 })).toBe(false);
      expect(is(name, { operator: 'ne', value: 'DE' })).toBe(true);
      expect(is(name, { operator: 'exists', value: false })).toBe(true);
      expect(is(name, { operator: 'exists', value: true })).toBe(false);
    }
  });

  it('holds for a set when one of its elements does, and ne when none is it', () => {
    expect(is('genres', { operator: 'has', value: 'crime' })).toBe(true);
    expect(is('genres', { operator: 'in', values: ['comedy', 'drama'] })).toBe(true);
    expect(is('genres', { operator: 'prefix', value: 'cri' })).toBe(true);
    expect(is('genres', { operator: 'ne', value: 'crime' })).toBe(false);
    expect(is('genres', { operator: 'ne', value: 'comedy' })).toBe(true);
  });

  it('combines: an empty all holds, an empty any does not', () => {
    const german: Predicate = {
      kind: 'property',
      name: 'country',
      comparison: { operator: 'eq', value: 'DE' },
    };
    const check = (predicate: Predicate): boolean => holds(predicate, (name) => values[name]);
    expect(check({ kind: 'all', of: [] })).toBe(true);
    expect(check({ kind: 'any', of: [] })).toBe(false);
    expect(check({ kind: 'all', of: [german, { kind: 'not', of: german }] })).toBe(false);
    expect(check({ kind: 'any', of: [german, { kind: 'not', of: german }] })).toBe(true);
  });
});
