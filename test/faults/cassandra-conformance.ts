import { startCassandraCluster } from '../services/cassandra-cluster.ts';
import { readTestEnvironment } from '../services/environment.ts';
import { findJavaTools } from '../services/java-tools.ts';
import { addressVariables } from '../services/service.ts';
import { interruptible } from './interruptible.ts';
import { runSuites, totalOf } from './suite-run.ts';

const suites = ['graph-store/cassandra-store.int.test.ts', 'graph-store/cassandra-cluster.int.test.ts'];

export interface ConformanceSummary {
  readonly nodes: number;
  readonly replication: number;
  readonly passed: number;
  readonly skipped: number;
}

/**
 * The suites that `npm test` runs on one node, on three that hold three copies; with fewer, rows of one batch belong to different nodes.
 *
 * @throws {Error} when a test fails.
 */
export async function runCassandraConformance(
  say: (line: string) => void,
  copies: number,
): Promise<ConformanceSummary | { readonly notRun: string }> {
  const environment = readTestEnvironment(process.env);
  const java = await findJavaTools(environment);
  if (!java.found) {
    const notRun = `cassandra-conformance needs ${java.lacking}`;
    say(`Skipped: ${notRun}.`);
    return { notRun };
  }
  const { tools } = java;
  return await interruptible(async (cleanup) => {
    say('starting three Cassandra nodes');
    const { contactPoints, dispose } = await startCassandraCluster(tools, environment.cacheDirectory);
    cleanup.defer(dispose);
    // The suites take as many copies as they are told nodes; the driver finds the others.
    const told = contactPoints.slice(0, copies);
    const variables = { [addressVariables.cassandra]: told.join(',') };
    const { passed, skipped } = totalOf(await runSuites(suites, variables, cleanup));
    return { nodes: contactPoints.length, replication: told.length, passed, skipped };
  });
}
