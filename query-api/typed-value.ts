import { GraphQLBoolean, GraphQLError, GraphQLFloat, type GraphQLScalarType, GraphQLString } from 'graphql';
import type { PropertyValue } from '../graph-store/index.ts';
import type { PropertyKind } from '../schemas/index.ts';
import { bigIntScalar, dateTimeScalar, fitsDateTime } from './scalars.ts';
import type { TypedField } from './typed-plan.ts';

interface TypedKind {
  readonly scalar: GraphQLScalarType;
  /** What a client should know of the kind beside its scalar; empty when that says all. */
  readonly note: string;
  /** False for what the scalar could not present. */
  readonly fits: (value: PropertyValue) => boolean;
}

const isText = (value: PropertyValue): boolean => typeof value === 'string';
const isWhole = (value: PropertyValue): boolean => typeof value === 'bigint' || Number.isSafeInteger(value);

/** How each kind of the graph schema is presented. */
export const typedKinds: Readonly<Record<PropertyKind, TypedKind>> = {
  text: { scalar: GraphQLString, note: '', fits: isText },
  integer: { scalar: bigIntScalar, note: '', fits: isWhole },
  number: { scalar: GraphQLFloat, note: '', fits: Number.isFinite },
  boolean: { scalar: GraphQLBoolean, note: '', fits: (value) => typeof value === 'boolean' },
  timestamp: { scalar: dateTimeScalar, note: '', fits: fitsDateTime },
  date: { scalar: GraphQLString, note: 'A date such as `2026-11-21`.', fits: isText },
  'time of day': { scalar: GraphQLString, note: 'A time of day such as `20:15:00.000`.', fits: isText },
  decimal: { scalar: GraphQLString, note: 'A decimal with all digits, such as `12.50`.', fits: isText },
  bytes: { scalar: GraphQLString, note: 'Bytes in base64.', fits: isText },
};

/**
 * A property as its kind presents it. A value that was stored while the property was of another kind, or that no calendar
 * holds, is an error of that one field beside the data of the others: null alone would say that there is none.
 */
export function typedValue(
  { kind, many }: Pick<TypedField, 'kind' | 'many'>,
  value: PropertyValue | readonly PropertyValue[] | undefined,
  path: string,
): PropertyValue | readonly PropertyValue[] {
  if (value === undefined || value === null) return null;
  const { fits } = typedKinds[kind];
  if (Array.isArray(value)) {
    if (many && value.every(fits)) return value;
  } else if (!many && isSingle(value) && fits(value)) return value;
  throw new GraphQLError(
    `${path} is declared as ${many ? 'a set of ' : ''}${kind}, and this node holds something else; read it in "properties".`,
    { extensions: { code: 'VALUE_NOT_OF_KIND' } },
  );
}

/** What \`Array.isArray\` cannot tell of a readonly array. */
function isSingle(value: PropertyValue | readonly PropertyValue[]): value is PropertyValue {
  return !Array.isArray(value);
}
