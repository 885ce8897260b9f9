import {
  GraphQLBoolean,
  GraphQLFloat,
  type GraphQLInputFieldConfig,
  GraphQLInputObjectType,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLScalarType,
  GraphQLString,
} from 'graphql';
import type { PropertyValue } from '../../graph-store/index.ts';
import type { PropertyKind } from '../../schemas/index.ts';
import { badInput } from '../api-error.ts';
import { bigIntScalar, dateTimeScalar } from '../scalars.ts';
import type { Comparison, Predicate } from './predicate.ts';
import { conditionsMax, valuesMax } from './where-input.ts';

/** A property that a condition may name. */
export interface WhereField {
  /** In GraphQL. */
  readonly name: string;
  /** In the graph. */
  readonly property: string;
  readonly kind: PropertyKind;
}

/** Keys of a typed condition that are no property's; a property of such a name has no condition. */
export const whereKeys = ['all', 'any', 'not', 'node'] as const;
const keys: ReadonlySet<string> = new Set(whereKeys);

const equality = ['eq', 'ne'] as const;
const ordered = [...equality, 'lt', 'lte', 'gt', 'gte'] as const;
type Compared = (typeof ordered)[number];

function conditionType(
  name: string,
  description: string,
  scalar: GraphQLScalarType,
  compared: readonly Compared[],
  more: Readonly<Record<string, GraphQLInputFieldConfig>> = {},
): GraphQLInputObjectType {
  const list = new GraphQLList(new GraphQLNonNull(scalar));
  return new GraphQLInputObjectType({
    name,
    description,
    fields: {
      ...Object.fromEntries(compared.map((operator) => [operator, { type: scalar }])),
      in: { type: list },
      ...more,
      exists: { type: GraphQLBoolean, description: 'Whether there is a value.' },
    },
  });
}

const prefix = { prefix: { type: GraphQLString } };
const text = conditionType(
  'TextCondition',
  'On a text, a date or a time of day. Of a set it holds when it does for one element, `ne` when no element is that.',
  GraphQLString,
  ordered,
  prefix,
);
const exact = conditionType(
  'ExactCondition',
  'On a decimal or bytes, which are compared as they are written.',
  GraphQLString,
  equality,
);
const integer = conditionType('IntegerCondition', 'On a whole number.', bigIntScalar, ordered);
const number = conditionType('NumberCondition', 'On a number.', GraphQLFloat, ordered);
const time = conditionType('TimeCondition', 'On a date and time.', dateTimeScalar, ordered);
const boolean = new GraphQLInputObjectType({
  name: 'BooleanCondition',
  fields: { eq: { type: GraphQLBoolean }, ne: { type: GraphQLBoolean }, exists: { type: GraphQLBoolean } },
});

const conditionTypes: Readonly<Record<PropertyKind, GraphQLInputObjectType>> = {
  text,
  integer,
  number,
  boolean,
  timestamp: time,
  date: text,
  'time of day': text,
  decimal: exact,
  bytes: exact,
};

/** Conditions on the properties of one type; `node` is for those of an edge's far end. */
export function typedWhereType(
  name: string,
  of: string,
  fields: readonly WhereField[],
  node: () => GraphQLInputObjectType | null,
): GraphQLInputObjectType {
  const self: GraphQLInputObjectType = new GraphQLInputObjectType({
    name,
    description: `Conditions on the properties of ${of}. All that one object says has to hold; what is absent compares with nothing but \`ne\` and \`exists: false\`.`,
    fields: () => {
      const far = node();
      return {
        all: { type: new GraphQLList(new GraphQLNonNull(self)) },
        any: { type: new GraphQLList(new GraphQLNonNull(self)) },
        not: { type: self },
        ...(far === null ? {} : { node: { type: far, description: 'On the node at the far end.' } }),
        ...Object.fromEntries(
          fields
            .filter((field) => !keys.has(field.name))
            .map((field) => [field.name, { type: conditionTypes[field.kind] }]),
        ),
      };
    },
  });
  return self;
}

/** As GraphQL gives it, once it has checked names and kinds. */
export type TypedWhereInput = Readonly<Record<string, unknown>>;

/** What an edge is asked for: both have to hold. */
export interface EdgeCondition {
  /** On the edge alone, so that most edges are told from it without reading their far ends; null when nothing is asked of them. */
  readonly own: Predicate | null;
  /** On both sides: names of the far end's properties begin with {@link farPrefix}. Null when nothing is asked of it. */
  readonly far: Predicate | null;
}

/** No property's name holds a NUL. */
export const farPrefix = 'node\0';

/**
 * The far end can stand anywhere inside `all`, `any` and `not`, so a condition is read as one predicate whose names say which side each is of.
 *
 * @throws a GraphQLError `BAD_USER_INPUT` that names `argument`.
 */
export function readTypedWhere(
  argument: string,
  input: TypedWhereInput,
  own: readonly WhereField[],
  far: readonly WhereField[],
): EdgeCondition {
  const predicate = new WhereReading(argument, own, far).read(input, 'own');
  const parts = predicate.kind === 'all' ? predicate.of : [predicate];
  const both = parts.filter(namesFar);
  const alone = parts.filter((part) => !namesFar(part));
  return { own: allOf(alone), far: allOf(both) };
}

function allOf(of: readonly Predicate[]): Predicate | null {
  return of.length === 0 ? null : { kind: 'all', of };
}

function namesFar(predicate: Predicate): boolean {
  if (predicate.kind === 'property') return predicate.name.startsWith(farPrefix);
  return predicate.kind === 'not' ? namesFar(predicate.of) : predicate.of.some(namesFar);
}

class WhereReading {
  readonly #argument: string;
  readonly #fields: Readonly<Record<'own' | 'far', ReadonlyMap<string, string>>>;
  #left = conditionsMax;

  constructor(argument: string, own: readonly WhereField[], far: readonly WhereField[]) {
    this.#argument = argument;
    const byName = (fields: readonly WhereField[], start: string): ReadonlyMap<string, string> =>
      new Map(fields.map(({ name, property }) => [name, `${start}${property}`]));
    this.#fields = { own: byName(own, ''), far: byName(far, farPrefix) };
  }

  read(input: TypedWhereInput, side: 'own' | 'far'): Predicate {
    this.#take();
    const of: Predicate[] = [];
    for (const [key, value] of Object.entries(input)) {
      if (value === null || value === undefined) continue;
      if (key === 'all' || key === 'any') {
        of.push({ kind: key, of: objects(value).map((one) => this.read(one, side)) });
      } else if (key === 'not') of.push({ kind: 'not', of: this.#one(value, side) });
      else if (key === 'node' && side === 'own') of.push(this.#one(value, 'far'));
      else of.push(...this.#property(this.#fields[side].get(key), value));
    }
    const [only] = of;
    return of.length === 1 && only !== undefined ? only : { kind: 'all', of };
  }

  #one(value: unknown, side: 'own' | 'far'): Predicate {
    const [input] = objects([value]);
    return this.read(input ?? {}, side);
  }

  #property(name: string | undefined, condition: unknown): Predicate[] {
    if (name === undefined) return [];
    const [given] = objects([condition]);
    return Object.entries(given ?? {}).map(([operator, value]) => {
      this.#take();
      return { kind: 'property', name, comparison: this.#comparison(operator, value) };
    });
  }

  #comparison(operator: string, value: unknown): Comparison {
    switch (operator) {
      case 'eq':
      case 'ne':
      case 'lt':
      case 'lte':
      case 'gt':
      case 'gte':
        return { operator, value: this.#value(value) };
      case 'in': {
        const values = Array.isArray(value) ? value : [];
        if (values.length > valuesMax) throw badInput(this.#argument, `at most ${valuesMax} values`);
        return { operator, values: values.map((one) => this.#value(one)) };
      }
      case 'prefix':
        return { operator, value: String(this.#value(value)) };
      default:
        if (value === null) throw this.#noNull();
        return { operator: 'exists', value: value === true };
    }
  }

  #value(value: unknown): PropertyValue {
    if (typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number' || typeof value === 'bigint') return value;
    throw this.#noNull();
  }

  #noNull(): Error {
    return badInput(this.#argument, '`exists` instead of a comparison with null');
  }

  #take(): void {
    this.#left -= 1;
    if (this.#left < 0) throw badInput(this.#argument, `at most ${conditionsMax} conditions`);
  }
}

/** What GraphQL has checked already; told from a list of it to the compiler. */
function objects(value: unknown): readonly TypedWhereInput[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function isObject(value: unknown): value is TypedWhereInput {
  return typeof value === 'object' && value !== null;
}
