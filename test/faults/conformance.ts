import { propertyVariables } from '../../graph-store/conformance-property.ts';
import { interruptible } from './interruptible.ts';
import { runSuites, type SuiteCounts } from './suite-run.ts';

const suites = {
  memory: 'graph-store/memory-store.test.ts',
  leveldb: 'graph-store/leveldb-store.test.ts',
  neo4j: 'graph-store/neo4j-store.int.test.ts',
} as const;
type Adapter = keyof typeof suites;

/** Tests, of which a property is one, by adapter; one without services counts as skipped. */
export type ConformanceCounts = Readonly<Record<Adapter, SuiteCounts>> & { readonly runs: number };

/**
 * The suite that every adapter passes, each property so often as is said here and from one seed.
 *
 * @throws {Error} when a test fails.
 */
export async function runConformance(seed: number, runs: number): Promise<ConformanceCounts> {
  const variables = { [propertyVariables.runs]: String(runs), [propertyVariables.seed]: String(seed) };
  const counts = await interruptible((cleanup) => runSuites(Object.values(suites), variables, cleanup));
  const of = (adapter: Adapter): SuiteCounts => counts.get(suites[adapter]) ?? { passed: 0, skipped: 0 };
  return { runs, memory: of('memory'), leveldb: of('leveldb'), neo4j: of('neo4j') };
}
