import { BadDataError } from '../foundation/index.ts';
import {
  edgeKeyBytesMax,
  type NodeProperty,
  nameBytesMax,
  nodeIdBytesMax,
  type Property,
  type PropertyValue,
  propertyTextBytesMax,
  type SetChange,
} from './model.ts';
import type { EventHead } from './packed-event-head.ts';

const occurrenceMax = 2n ** 64n - 1n;

/** Throws BadDataError INVALID_EVENT_TIME or INVALID_EVENT unless time, rank and occurrence are in their ranges. */
export function checkEvent({ timeMs, rank, occurrence }: EventHead): void {
  if (!Number.isSafeInteger(timeMs) || timeMs < 0) {
    throw new BadDataError(
      'INVALID_EVENT_TIME',
      'An event time must be a whole number of milliseconds since 1970, 0 or more; correct the field or the mapping.',
    );
  }
  if (occurrence < 0n || occurrence > occurrenceMax || !Number.isSafeInteger(rank) || rank < 0) {
    throw new BadDataError(
      'INVALID_EVENT',
      'An occurrence id must fit unsigned 64 bits, and a rank be a whole number from 0 to 2^53 - 1.',
    );
  }
}

/** Throws BadDataError INVALID_NODE_ID unless `id` is 1 to 1,024 bytes of well-formed UTF-8 without NUL. */
export function checkNodeId(id: string): void {
  if (id.length === 0) throw invalidNodeId('it is empty');
  if (id.length > nodeIdBytesMax || Buffer.byteLength(id) > nodeIdBytesMax) {
    throw invalidNodeId(`it is longer than ${nodeIdBytesMax} bytes of UTF-8`);
  }
  if (id.includes('\0')) throw invalidNodeId('it contains a NUL character');
  if (!id.isWellFormed()) throw invalidNodeId('it contains half of a surrogate pair');
}

function invalidNodeId(why: string): BadDataError {
  return new BadDataError(
    'INVALID_NODE_ID',
    `A node id was refused because ${why}; take another field as the id.`,
  );
}

/** Throws BadDataError INVALID_EDGE_KEY unless `key` is 1 to 255 bytes of well-formed UTF-8. */
export function checkEdgeKey(key: string): void {
  const why =
    key.length === 0
      ? 'it is empty'
      : key.length > edgeKeyBytesMax || Buffer.byteLength(key) > edgeKeyBytesMax
        ? `it is longer than ${edgeKeyBytesMax} bytes of UTF-8`
        : key.isWellFormed()
          ? null
          : 'it contains half of a surrogate pair';
  if (why === null) return;
  throw new BadDataError(
    'INVALID_EDGE_KEY',
    `An edge's key was refused because ${why}; take another field as the key.`,
  );
}

export function invalidSet(why: string): BadDataError {
  return new BadDataError(
    'INVALID_PROPERTY',
    `A set of values was refused because ${why}; map fewer or shorter ones.`,
  );
}

export function invalidName(what: string): BadDataError {
  return new BadDataError(
    'INVALID_NAME',
    `A ${what} must be 1 to ${nameBytesMax} ASCII characters without NUL; correct it in the mapping.`,
  );
}

export function invalidText(what: string): BadDataError {
  return new BadDataError(
    'INVALID_NAME',
    `A ${what} must be 1 to ${nameBytesMax} bytes of UTF-8; correct it in the mapping.`,
  );
}

export function longText(): BadDataError {
  return new BadDataError(
    'INVALID_PROPERTY',
    `A text must have at most ${propertyTextBytesMax} bytes of UTF-8; map a shorter field.`,
  );
}

export function infinite(): BadDataError {
  return new BadDataError(
    'INVALID_PROPERTY',
    'A number must be finite; filter the event or map the field away.',
  );
}

export function largeInteger(): BadDataError {
  return new BadDataError('INVALID_PROPERTY', 'An integer must fit signed 64 bits; map it as text instead.');
}

export function hasNoSets(properties: readonly NodeProperty[]): properties is readonly Property[] {
  for (let i = 0; i < properties.length; i += 1) {
    const value = properties[i]?.[1];
    if (typeof value === 'object' && value !== null) return false;
  }
  return true;
}

export function registerCount(change: PropertyValue | SetChange): number {
  if (change === null || typeof change !== 'object') return 1;
  return change.elements.length + (change.set === 'replace' ? 1 : 0);
}

/** A node's registers are merged by walking two sorted lists; mappings usually declare them sorted already. */
export function sortedByName(properties: readonly NodeProperty[]): readonly NodeProperty[] {
  let ascending = true;
  for (let i = 1; i < properties.length; i += 1) {
    const before = properties[i - 1];
    const here = properties[i];
    if (before !== undefined && here !== undefined && before[0] >= here[0]) ascending = false;
  }
  if (ascending) return properties;
  const sorted = [...properties].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  for (let i = 1; i < sorted.length; i += 1) {
    if (sorted[i - 1]?.[0] === sorted[i]?.[0]) {
      throw new BadDataError(
        'INVALID_PROPERTY',
        'A node mutation names a property twice; correct the mapping.',
      );
    }
  }
  return sorted;
}
