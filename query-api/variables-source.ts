import type { GraphQLError } from 'graphql';
import { tooLarge } from './api-error.ts';

/** Far above what an input type of ours has: graphql says each unknown field as an error of its own that shows the whole object, two levels deep. */
const membersMax = 32;
/** Of the variables themselves: more than a query of so many tokens can declare. */
const variablesMax = 500;
const levelsMax = 32;

/**
 * Refuses variables by their form alone, in one pass without recursion, before they are coerced: what is wrong with them would be told fifty
 * times over. Null when they may be coerced, and where there are none.
 */
export function variablesRefusal(body: unknown): GraphQLError | null {
  if (!isObject(body) || !('variables' in body) || !isObject(body.variables)) return null;
  if (Object.keys(body.variables).length > variablesMax)
    return tooLarge(`The request has more than ${variablesMax} variables.`, variablesMax);
  let level: readonly object[] = Object.values(body.variables).filter(isObject);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > levelsMax) return tooLarge(`The variables nest deeper than ${levelsMax} levels.`, levelsMax);
    if (level.some(isCrowded))
      return tooLarge(`An object in the variables has more than ${membersMax} fields.`, membersMax);
    level = level.flatMap((value) => Object.values(value).filter(isObject));
  }
  return null;
}

function isCrowded(value: object): boolean {
  return !Array.isArray(value) && Object.keys(value).length > membersMax;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
