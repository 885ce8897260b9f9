import { coerceInputValue, GraphQLError } from 'graphql';
import {
  type AudienceWhereInput,
  audienceWhereInput,
  type InputContext,
  readCondition,
} from './audience-input.ts';
import type { Condition } from './condition.ts';

export type ConditionReading =
  | { readonly kind: 'condition'; readonly condition: Condition }
  /** `message` is a whole sentence that names the place below `place`. */
  | { readonly kind: 'refused'; readonly message: string };

/**
 * A condition as JSON has it, in the language of `AudienceWhere`: hostile until it was read. Whoever parses the JSON bounds how deep it is, since this goes down with
 * it.
 */
export function readConditionJson(place: string, value: unknown, context: InputContext): ConditionReading {
  try {
    const input: unknown = coerceInputValue(value, audienceWhereInput, (path, _value, error) => {
      throw new GraphQLError(`At ${[place, ...path].join('.')}: ${error.message}`);
    });
    if (!isCoerced(input)) return { kind: 'refused', message: `At ${place}: a condition is an object.` };
    return { kind: 'condition', condition: readCondition(place, input, context) };
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return { kind: 'refused', message: error.message };
  }
}

/** Coercion has seen to the rest. */
function isCoerced(input: unknown): input is AudienceWhereInput {
  return typeof input === 'object' && input !== null;
}
