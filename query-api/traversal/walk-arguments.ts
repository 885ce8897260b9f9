import { unreachable } from '../../foundation/index.ts';
import type { NodeRef } from '../../graph-store/index.ts';
import { badInput } from '../api-error.ts';
import { checkTypeName, readNodeRef } from '../node-arguments.ts';
import { openEndMs } from '../open-end.ts';
import type { Predicate } from '../where/predicate.ts';
import { readWhere, type WhereInput } from '../where/where-input.ts';

export interface NodeRefArgument {
  readonly type: string;
  readonly id: string;
}

export interface SpanArguments {
  readonly since?: number | null;
  readonly until?: number | null;
}

export function readRef(argument: string, { type, id }: NodeRefArgument): NodeRef {
  return readNodeRef(`${argument}.type`, `${argument}.id`, type, id);
}

export function readEdgeType(argument: string, type: string): string {
  return checkTypeName(argument, type, 'the name of an edge type, such as WATCHED');
}

export interface Span {
  readonly sinceMs: number | null;
  readonly untilMs: number;
}

/** `prefix` leads the names of the arguments, such as `hops.0.`. */
export function readSpan(prefix: string, { since, until }: SpanArguments): Span {
  const untilMs = until ?? openEndMs;
  if (untilMs < 0) throw badInput(`${prefix}until`, 'a time from 1970 on');
  const sinceMs = since ?? null;
  if (sinceMs !== null && sinceMs < 0) throw badInput(`${prefix}since`, 'a time from 1970 on');
  if (sinceMs !== null && sinceMs > untilMs)
    throw badInput(`${prefix}since`, 'a time that is not after `until`');
  return { sinceMs, untilMs };
}

/** Between bounds, or what holds without it. */
export function readCount(
  argument: string,
  value: number | null | undefined,
  { least, most, otherwise }: { readonly least: number; readonly most: number; readonly otherwise: number },
): number {
  const count = value ?? otherwise;
  if (count < least || count > most) throw badInput(argument, `${least} to ${most}`);
  return count;
}

/** A limit that is to be lowered: null where it is not, and higher ones are the operator's to refuse. */
export function readLimit(argument: string, value: number | null | undefined): number | null {
  if (value != null && value < 1) throw badInput(argument, '1 or more');
  return value ?? null;
}

/** A condition is looked at for each of thousands of rows in one go. */
const comparisonsMax = 500;

export function readCondition(argument: string, where: WhereInput | null | undefined): Predicate | null {
  if (where == null) return null;
  const predicate = readWhere(argument, where);
  if (comparisonsOf(predicate) > comparisonsMax) {
    throw badInput(argument, `at most ${comparisonsMax} comparisons, each value of \`in\` being one`);
  }
  return predicate;
}

function comparisonsOf(predicate: Predicate): number {
  switch (predicate.kind) {
    case 'all':
    case 'any':
      return predicate.of.reduce((sum, one) => sum + comparisonsOf(one), 0);
    case 'not':
      return comparisonsOf(predicate.of);
    case 'property':
      return predicate.comparison.operator === 'in' ? predicate.comparison.values.length : 1;
    default:
      return unreachable(predicate);
  }
}
