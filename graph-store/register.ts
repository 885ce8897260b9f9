import { inOrder } from './arithmetic.ts';
import { encodeContent, encodeValue } from './codec.ts';
import type { NodeView } from './graph-store.ts';
import { type NodeProperty, type PropertyValue, setElementsMax } from './model.ts';

/** What a register holds: a property's value or, of a set, one element or since when older ones are gone. */
export type RegisterContent =
  | { readonly kind: 'value'; readonly value: PropertyValue }
  | { readonly kind: 'cleared' }
  | { readonly kind: 'element'; readonly value: PropertyValue; readonly present: boolean };

/** Registers of one name are kept in this order. */
const kindOrder = { value: 0, cleared: 1, element: 2 } as const;

export interface Register {
  readonly name: string;
  readonly timeMs: number;
  readonly rank: number;
  readonly content: RegisterContent;
}

/** One register a value, and one an element; of a replacement one more. */
export function registersOf(
  properties: readonly NodeProperty[],
  { timeMs, rank }: Pick<Register, 'timeMs' | 'rank'>,
): Register[] {
  const of = (name: string, content: RegisterContent): Register => ({ name, timeMs, rank, content });
  return properties.flatMap(([name, change]) => {
    if (change === null || typeof change !== 'object') return [of(name, { kind: 'value', value: change })];
    const present = change.set !== 'remove';
    const elements = change.elements.map((value) => of(name, { kind: 'element', value, present }));
    return change.set === 'replace' ? [of(name, { kind: 'cleared' }), ...elements] : elements;
  });
}

/**
 * The registers after some writes, in the order in which rows keep them. The same whatever the order, repetition and grouping of
 * the writes: each register is a maximum, and what is left out of a set (elements older than its clearing, all but the newest
 * `setElementsMax`) is left out of every later result as well.
 */
export function mergeRegisters(stored: readonly Register[], writes: readonly Register[]): Register[] {
  const merged = new Map<string, Register>();
  for (const register of [...stored, ...writes]) {
    const key = keyOf(register);
    const before = merged.get(key);
    if (before === undefined || compareWrites(register, before) > 0) merged.set(key, register);
  }
  const byName = Map.groupBy(merged.values(), ({ name }) => name);
  return [...byName.values()].flatMap(settle).sort(compareKeys);
}

function settle(registers: readonly Register[]): readonly Register[] {
  const clearing = registers.find(({ content }) => content.kind === 'cleared');
  const rest = registers.filter(({ content }) => content.kind !== 'element');
  const elements = registers.filter(
    (register) =>
      register.content.kind === 'element' &&
      (clearing === undefined || compareTimes(register, clearing) >= 0),
  );
  if (elements.length <= setElementsMax) return [...rest, ...elements];
  return [...rest, ...elements.sort((a, b) => compareWrites(b, a)).slice(0, setElementsMax)];
}

/** What a reader sees of them: properties by name, what is not newer than `hiddenMs` left out. */
export function propertiesOf(registers: readonly Register[], hiddenMs: number): NodeView['properties'] {
  const visible = registers.filter(({ timeMs }) => timeMs > hiddenMs);
  return [...Map.groupBy(visible, ({ name }) => name)].map(([name, group]) => {
    const [first] = group;
    const ofSet = group.filter(({ content }) => content.kind !== 'value');
    // A property that was a set, or became one, is what was written last: a value stands before the set's registers.
    if (first?.content.kind === 'value' && ofSet.every((register) => compareTimes(first, register) > 0)) {
      return { name, value: first.content.value, timeMs: first.timeMs };
    }
    const elements = ofSet.flatMap(({ content }) =>
      content.kind === 'element' && content.present ? [content.value] : [],
    );
    const timeMs = ofSet.reduce((newest, register) => Math.max(newest, register.timeMs), 0);
    return { name, value: inOrder(elements), timeMs };
  });
}

function keyOf({ name, content }: Register): string {
  const element = content.kind === 'element' ? encodeValue(content.value).toString('latin1') : '';
  return `${name}\0${content.kind}\0${element}`;
}

function compareKeys(a: Register, b: Register): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  if (a.content.kind !== 'element' || b.content.kind !== 'element') {
    return kindOrder[a.content.kind] - kindOrder[b.content.kind];
  }
  return encodeValue(a.content.value).compare(encodeValue(b.content.value));
}

function compareTimes(a: Register, b: Register): number {
  return a.timeMs - b.timeMs || a.rank - b.rank;
}

/** The greatest (event time, source rank, encoded content) wins; of an element, present is greater than removed. */
function compareWrites(a: Register, b: Register): number {
  return compareTimes(a, b) || encodeContent(a.content).compare(encodeContent(b.content));
}
