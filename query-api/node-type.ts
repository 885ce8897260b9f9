import { GraphQLID, GraphQLInputObjectType, GraphQLNonNull, GraphQLObjectType, GraphQLString } from 'graphql';
import type { Lineage, NodeRef, Property, PropertyValue } from '../graph-store/index.ts';
import { jsonText } from './json-text.ts';
import { lineageType } from './lineage-type.ts';
import { jsonScalar, safeNumber } from './scalars.ts';

/** Just which node: what a link points to. */
export const nodeRefType = new GraphQLObjectType<NodeRef>({
  name: 'NodeRef',
  description: 'Which node, without its properties.',
  fields: {
    type: { type: new GraphQLNonNull(GraphQLString), description: 'Node type, such as `Account`.' },
    id: { type: new GraphQLNonNull(GraphQLID) },
  },
});

export const nodeRefInput = new GraphQLInputObjectType({
  name: 'NodeRefInput',
  fields: {
    type: { type: new GraphQLNonNull(GraphQLString), description: 'Node type, such as `Account`.' },
    id: { type: new GraphQLNonNull(GraphQLID) },
  },
});

export interface NodeAnswer extends NodeRef {
  readonly lineage: Lineage | null;
  readonly properties: Readonly<Record<string, unknown>>;
}

export const nodeType = new GraphQLObjectType<NodeAnswer>({
  name: 'Node',
  description: 'A node with the properties that won: for each, the write with the latest event time.',
  fields: {
    type: { type: new GraphQLNonNull(GraphQLString), description: 'Node type, such as `Account`.' },
    id: { type: new GraphQLNonNull(GraphQLID) },
    properties: {
      type: new GraphQLNonNull(jsonScalar),
      description:
        'By name; a list where there are several values. Empty while the node is only known from its edges.',
    },
    lineage: {
      type: lineageType,
      description:
        'Of what changed its properties last or, while it has none, of its newest edge or step. Null when unknown.',
    },
  },
});

/** Says nothing itself. Objects that inherit from it are to the engine like any other; those that inherit from null it keeps as tables, which cost several times as much. */
const nothing: object = Object.freeze(Object.create(null));

/** Property names come from checked mappings; nothing that is inherited keeps even a hostile one harmless. */
export function propertiesObject(
  properties: readonly (readonly [name: string, value: PropertyValue | readonly PropertyValue[]])[],
): Readonly<Record<string, unknown>> {
  const object: Record<string, unknown> = Object.create(nothing);
  for (const [name, value] of properties) object[name] = propertyAnswer(value);
  return object;
}

/** Properties that are turned into an object, or right into text, where they are asked for. */
export class PropertiesAnswer {
  readonly #properties: readonly Property[];

  constructor(properties: readonly Property[]) {
    this.#properties = properties;
  }

  toJSON(): Readonly<Record<string, unknown>> {
    return propertiesObject(this.#properties);
  }

  /** What JSON makes of the object; null where that may be otherwise than in the order of the properties. */
  text(): string | null {
    let text = '{';
    for (const [at, [name, value]] of this.#properties.entries()) {
      // Of two of one name the later one counts, and names that are numbers come first.
      if (startsLikeNumber(name) || this.#nameBefore(name, at)) return null;
      text += `${at === 0 ? '' : ','}${jsonText(name)}:${valueText(value)}`;
    }
    return `${text}}`;
  }

  #nameBefore(name: string, end: number): boolean {
    for (let at = 0; at < end; at += 1) if (this.#properties[at]?.[0] === name) return true;
    return false;
  }
}

function startsLikeNumber(name: string): boolean {
  const code = name.charCodeAt(0);
  return code >= 48 && code <= 57;
}

function valueText(value: PropertyValue): string {
  const answer = propertyAnswer(value);
  if (typeof answer === 'string') return jsonText(answer);
  return typeof answer === 'number' && Number.isFinite(answer) ? String(answer) : JSON.stringify(answer);
}

/** A property as JSON has it; of a set the list of its elements. */
export function propertyAnswer(value: PropertyValue | readonly PropertyValue[]): unknown {
  if (Array.isArray(value)) return value.map(propertyAnswer);
  return typeof value === 'bigint' ? safeNumber(value) : value;
}
