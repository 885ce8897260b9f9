import { BadDataError, unreachable } from '../foundation/index.ts';
import type { BranchTest, PathPlan, PathStep } from '../schemas/index.ts';

/** The decoded event, the rows of its lookups, then the items of the loops around a declaration, outermost first. */
export type Roots = readonly unknown[];

/** Reads one value out of a decoded event. Throws `BadDataError` naming the path. */
export type Read<T> = (roots: Roots) => T;

export function bad(code: string, path: string, what: string): BadDataError {
  return new BadDataError(code, `\`${path}\` ${what}.`, { context: { path } });
}

/** Names a class of values, never a value: payloads do not belong into logs. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  return value === null ? 'null' : `a ${typeof value}`;
}

/** Walks the steps of a path; a null on the way gives null. */
export function compilePath({ root, steps }: PathPlan): Read<unknown> {
  const [first, second, ...more] = steps;
  if (first === undefined) return (roots) => roots[root] ?? null;
  if (root === 0 && first.kind === 'field' && more.length === 0) return compileShortPath(first.name, second);
  const walk = steps.map(compileStep);
  return (roots) => {
    let value = roots[root];
    for (const step of walk) {
      if (value === null || value === undefined) return null;
      value = step(value);
    }
    return value;
  };
}

/** Almost every path of a real mapping is a field of the event or of a record in it. */
function compileShortPath(first: string, second: PathStep | undefined): Read<unknown> {
  if (second === undefined) return (roots) => fieldOf(roots[0], first);
  if (second.kind === 'field') {
    const { name } = second;
    return (roots) => {
      const outer = fieldOf(roots[0], first);
      return outer === null ? null : fieldOf(outer, name);
    };
  }
  const step = compileStep(second);
  return (roots) => {
    const outer = fieldOf(roots[0], first);
    return outer === null ? null : step(outer);
  };
}

function compileStep(step: PathStep): (value: unknown) => unknown {
  switch (step.kind) {
    case 'field':
      return (value) => fieldOf(value, step.name);
    case 'key':
      return (value) => fieldOf(value, step.key) ?? null;
    case 'unwrap':
      // A branch may be called `toString`, which each wrapped value inherits.
      return (value) =>
        isRecord(value) && Object.hasOwn(value, step.branch) ? (value[step.branch] ?? null) : null;
    case 'only':
      return (value) => (isBranch(step.test, value) ? value : null);
    default:
      return unreachable(step);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/**
 * Undefined cannot come out of a field of a decoded record whose schema the path was resolved against. Decoded maps have no
 * prototype, so a hostile key finds nothing inherited.
 */
function fieldOf(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function isBranch(test: BranchTest, value: unknown): boolean {
  switch (test) {
    case 'boolean':
    case 'number':
    case 'bigint':
    case 'string':
      return typeof value === test;
    case 'bytes':
      return value instanceof Uint8Array;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array);
    default:
      return unreachable(test);
  }
}
