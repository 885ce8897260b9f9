import { AssertionError } from 'node:assert';

/** States an invariant of our own code. Its failure is a bug and is never caught to go on. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError({ message });
}

/** Unwraps what an invariant says is there. */
export function must<T>(value: T | null | undefined, message: string): T {
  if (value === null || value === undefined) throw new AssertionError({ message });
  return value;
}

/** Closes a `switch` over a discriminated union: a missing case is a type error. */
export function unreachable(value: never): never {
  throw new AssertionError({ message: `unreachable: ${String(value)}` });
}
