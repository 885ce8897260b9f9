import type { Mutation, NodeProperty } from '../graph-store/index.ts';
import type { MappedEvent } from '../processors/index.ts';

export type MutationPart = 'node' | 'edge' | 'step' | 'delete';

/** A property's or a mutation's content, and what it shows of it. */
export interface Entry {
  readonly row: string;
  readonly part: MutationPart;
  readonly name: string;
  readonly shown: string;
  readonly kind: string;
}

const shownMax = 120;

/** What one event writes, by what it writes it to: equal keys before and after are the same thing. */
export function entriesIn({ mutations, timeMs, eventId }: MappedEvent): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  const add = (key: string, entry: Entry): void => {
    let unique = key;
    for (let again = 2; entries.has(unique); again += 1) unique = `${key} ${again}`;
    entries.set(unique, entry);
  };
  const happened = ` at ${new Date(timeMs).toISOString()}${eventId === null ? '' : ` as ${eventId}`}`;
  for (const mutation of mutations) {
    const { part, name, shown } = named(mutation);
    const row = `${part} ${name}`;
    const key = `${row} ${shown}`;
    // Another time or event id makes it another occurrence of the same edge or step.
    const content = part === 'edge' || part === 'step' ? `${shown}${linksOf(mutation)}${happened}` : shown;
    add(key, { row, part, name, shown: cut(content), kind: '' });
    if (!('properties' in mutation)) continue;
    for (const [property, value] of mutation.properties) {
      if (value === null) continue;
      const full = `${name} .${property}`;
      add(`${key} .${property}`, {
        row: `${part} ${full}`,
        part,
        name: full,
        shown: cut(shownValue(value)),
        kind: kindOf(value),
      });
    }
  }
  return entries;
}

function linksOf(mutation: Mutation): string {
  if (mutation.kind !== 'step' || mutation.links.length === 0) return '';
  const links = mutation.links.map(({ edge, direction, node }) =>
    direction === 'out' ? `${edge} ${node.type}:${node.id}` : `${node.type}:${node.id} ${edge}`,
  );
  return ` [${links.join(', ')}]`;
}

function named(mutation: Mutation): {
  readonly part: MutationPart;
  readonly name: string;
  readonly shown: string;
} {
  switch (mutation.kind) {
    case 'node':
      return { part: 'node', name: mutation.node.type, shown: mutation.node.id };
    case 'node-delete':
      return { part: 'delete', name: mutation.node.type, shown: mutation.node.id };
    case 'step': {
      const { owner, action } = mutation;
      return { part: 'step', name: `${owner.type} “${action}”`, shown: owner.id };
    }
    default: {
      const { kind, type, from, to } = mutation;
      return {
        part: kind === 'edge' ? 'edge' : 'delete',
        name: `${from.type} ${type} ${to.type}`,
        shown: `${from.id} -> ${to.id}${mutation.key === undefined ? '' : ` (${mutation.key})`}`,
      };
    }
  }
}

function shownValue(value: Exclude<NodeProperty[1], null>): string {
  if (typeof value === 'object') return `${value.set} ${value.elements.map(String).join(', ')}`;
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function kindOf(value: Exclude<NodeProperty[1], null>): string {
  switch (typeof value) {
    case 'object':
      return 'set';
    case 'bigint':
      return 'integer';
    case 'string':
      return 'text';
    default:
      return typeof value;
  }
}

function cut(text: string): string {
  return text.length <= shownMax ? text : `${text.slice(0, shownMax)}…`;
}
