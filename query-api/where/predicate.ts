import { unreachable } from '../../foundation/index.ts';
import type { PropertyValue } from '../../graph-store/index.ts';

/** What a property is compared with. `has`: a set holds it, or the value is it. `prefix`: of text. */
export type Comparison =
  | { readonly operator: 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte' | 'has'; readonly value: PropertyValue }
  | { readonly operator: 'in'; readonly values: readonly PropertyValue[] }
  | { readonly operator: 'prefix'; readonly value: string }
  | { readonly operator: 'exists'; readonly value: boolean };

/** A condition on the properties of one node, or of one edge's occurrence. An empty `all` holds, an empty `any` does not. */
export type Predicate =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Predicate[] }
  | { readonly kind: 'not'; readonly of: Predicate }
  | { readonly kind: 'property'; readonly name: string; readonly comparison: Comparison };

/** A set's elements, or one value; undefined where there is none. */
export type ValueOf = (property: string) => PropertyValue | readonly PropertyValue[] | undefined;

/** What is absent or null holds no comparison but `ne` and `exists: false`. A set holds one when any of its elements does, `ne` when none is it. */
export function holds(predicate: Predicate, read: ValueOf): boolean {
  switch (predicate.kind) {
    case 'all':
      return predicate.of.every((one) => holds(one, read));
    case 'any':
      return predicate.of.some((one) => holds(one, read));
    case 'not':
      return !holds(predicate.of, read);
    case 'property':
      return compares(predicate.comparison, elementsOf(read(predicate.name)));
    default:
      return unreachable(predicate);
  }
}

function elementsOf(value: PropertyValue | readonly PropertyValue[] | undefined): readonly PropertyValue[] {
  if (value === undefined || value === null) return [];
  return isSet(value) ? value.filter((element) => element !== null) : [value];
}

/** What `Array.isArray` cannot tell of a readonly array. */
function isSet(value: PropertyValue | readonly PropertyValue[]): value is readonly PropertyValue[] {
  return Array.isArray(value);
}

function compares(comparison: Comparison, elements: readonly PropertyValue[]): boolean {
  switch (comparison.operator) {
    case 'eq':
    case 'has':
      return elements.some((element) => order(element, comparison.value) === 0);
    case 'ne':
      return elements.every((element) => order(element, comparison.value) !== 0);
    case 'lt':
      return elements.some((element) => (order(element, comparison.value) ?? 1) < 0);
    case 'lte':
      return elements.some((element) => (order(element, comparison.value) ?? 1) <= 0);
    case 'gt':
      return elements.some((element) => (order(element, comparison.value) ?? -1) > 0);
    case 'gte':
      return elements.some((element) => (order(element, comparison.value) ?? -1) >= 0);
    case 'in':
      return elements.some((element) => comparison.values.some((value) => order(element, value) === 0));
    case 'prefix':
      return elements.some((element) => typeof element === 'string' && element.startsWith(comparison.value));
    case 'exists':
      return elements.length > 0 === comparison.value;
    default:
      return unreachable(comparison);
  }
}

/** Null where two values have no order: a text and a number. A bigint and a double compare exactly. */
function order(a: PropertyValue, b: PropertyValue): number | null {
  const numbers = isNumeric(a) && isNumeric(b);
  if (!numbers && typeof a !== typeof b) return null;
  if (a === null || b === null) return null;
  if (a === b) return 0;
  if (a < b) return -1;
  return a > b ? 1 : 0;
}

function isNumeric(value: PropertyValue): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}
