import { GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import type { PropertyValue } from '../../graph-store/index.ts';

/** What a property is compared with, as a query writes it. */
export const valueScalar = new GraphQLScalarType<PropertyValue, unknown>({
  name: 'Value',
  description:
    'A text, a number or a boolean. Whole numbers beyond ±(2^53 - 1) are written as literals in the query, where no digit is lost.',
  serialize: (value) => value,
  parseValue: parsed,
  parseLiteral: (node: ValueNode) => {
    switch (node.kind) {
      case Kind.STRING:
      case Kind.ENUM:
        return node.value;
      case Kind.BOOLEAN:
        return node.value;
      case Kind.INT: {
        const number = Number(node.value);
        return Number.isSafeInteger(number) ? number : BigInt(node.value);
      }
      case Kind.FLOAT:
        return parsed(Number(node.value));
      default:
        throw new TypeError('Value takes a text, a number or a boolean.');
    }
  },
});

function parsed(value: unknown): PropertyValue {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new TypeError('Value takes a text, a number or a boolean.');
}
