import { parse } from '@marcbachmann/cel-js';
import { ExpressionUse } from './expression-use.ts';

/**
 * What an expression that has compiled reads: each variable with the fields that are taken of it, null where it is used as a
 * whole. Names of the expression's own loops are among the variables.
 */
export function expressionReads(text: string): ReadonlyMap<string, ReadonlySet<string> | null> {
  return new ExpressionUse(parse(text).ast).variables;
}
