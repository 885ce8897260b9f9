import fc from 'fast-check';

/** What whoever starts the tests says of every property of the suite; null is what the harness or chance says. */
export interface PropertyEnvironment {
  /** `JOURNEY_GRAPH_CONFORMANCE_RUNS`: runs of each property. */
  readonly runs: number | null;
  /** `JOURNEY_GRAPH_CONFORMANCE_SEED`: from which each property draws its cases. */
  readonly seed: number | null;
  /** `JOURNEY_GRAPH_CONFORMANCE_PATH`: of that seed, the one case that a failure named. */
  readonly path: string | null;
}

export const propertyVariables = {
  runs: 'JOURNEY_GRAPH_CONFORMANCE_RUNS',
  seed: 'JOURNEY_GRAPH_CONFORMANCE_SEED',
  path: 'JOURNEY_GRAPH_CONFORMANCE_PATH',
} as const;

/** @throws {TypeError} where a variable is not what its name says: a run that was meant to be longer must not be the usual one in silence. */
export function readPropertyEnvironment(env: NodeJS.ProcessEnv): PropertyEnvironment {
  const text = (name: string): string | null => env[name] || null;
  const integer = (name: string, min: number): number | null => {
    const given = text(name);
    const value = Number(given);
    if (given === null) return null;
    if (!Number.isSafeInteger(value) || value < min)
      throw new TypeError(`${name} is no number from ${min}: "${given}".`);
    return value;
  };
  const seed = integer(propertyVariables.seed, -(2 ** 31));
  const path = text(propertyVariables.path);
  if (path !== null && seed === null)
    throw new TypeError(`${propertyVariables.path} is a path from a seed: set ${propertyVariables.seed}.`);
  return { runs: integer(propertyVariables.runs, 1), seed, path };
}

/**
 * Runs a property as often as the environment says, or else as given. A failure prints `{ seed: …, path: "…" }` and the smallest counterexample;
 * with these two in the environment that one case runs again.
 */
export async function assertProperty<Values>(
  propertyRuns: number,
  property: fc.IAsyncProperty<Values>,
  { runs, seed, path }: PropertyEnvironment = readPropertyEnvironment(process.env),
): Promise<void> {
  await fc.assert(property, {
    numRuns: runs ?? propertyRuns,
    ...(seed === null ? {} : { seed }),
    ...(path === null ? {} : { path }),
  });
}

/** A shuffle that belongs to the case: what fast-check prints as `shuffleSeed` gives the same order again. */
export function shuffle<T>(items: readonly T[], shuffleSeed: number): T[] {
  let state = shuffleSeed;
  const keyed = items.map((item) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return { item, key: state };
  });
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

/** In parts of these sizes, which are taken in turn. */
export function split<T>(items: readonly T[], sizes: readonly number[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0, i = 0; at < items.length; i += 1) {
    const size = sizes[i % sizes.length] ?? 1;
    parts.push(items.slice(at, at + size));
    at += size;
  }
  return parts;
}
