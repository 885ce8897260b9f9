import type { NodeRef, OccurrenceView, PropertyValue } from '../../graph-store/index.ts';

/** Along the edge or against it. */
export type EdgeWay = 'out' | 'in';
export type EdgeDirection = EdgeWay | 'both';

/** An edge between two nodes as it was walked: by the newest event that fits what was asked. */
export interface WalkedEdge {
  /** Where the walk came from; the edge itself leads the other way when `way` is `in`. */
  readonly parent: NodeRef;
  readonly node: NodeRef;
  readonly way: EdgeWay;
  readonly occurrence: OccurrenceView;
}

/** No type holds a NUL. */
export function nodeKey({ type, id }: NodeRef): string {
  return `${type}\0${id}`;
}

export function farEnd({ from, to }: Pick<OccurrenceView, 'from' | 'to'>, way: EdgeWay): NodeRef {
  return way === 'out' ? to : from;
}

export function waysOf(direction: EdgeDirection): readonly EdgeWay[] {
  return direction === 'both' ? ['out', 'in'] : [direction];
}

const rowBytes = 200;

/** About what an occurrence takes in memory. */
export function occurrenceBytes({ from, to, key, properties }: OccurrenceView): number {
  let bytes = rowBytes + 2 * (from.id.length + to.id.length + (key?.length ?? 0));
  for (const [name, value] of properties) bytes += valueBytes(name, value);
  return bytes;
}

export function valueBytes(name: string, value: PropertyValue | readonly PropertyValue[]): number {
  if (typeof value === 'string') return 2 * (name.length + value.length) + 32;
  if (!Array.isArray(value)) return 2 * name.length + 32;
  return value.reduce<number>((sum, element) => sum + valueBytes('', element), 2 * name.length + 32);
}

export function turned(way: EdgeWay): EdgeWay {
  return way === 'out' ? 'in' : 'out';
}

/** Which edge it is, however it was walked. */
export function edgeKey({ occurrence: { type, from, to } }: WalkedEdge): string {
  return `${type}\0${nodeKey(from)}\0${nodeKey(to)}`;
}
