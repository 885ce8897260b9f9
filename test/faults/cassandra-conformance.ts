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
 * The suites that `npm test` runs on one node, on three that hold three copies.
 *
 * @throws {Error} when a test fails.
 */
export async function runCassandraConformance(
  say: (line: string) => void,
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
    const variables = { [addressVariables.cassandra]: contactPoints.join(',') };
    const { passed, skipped } = totalOf(await runSuites(suites, variables, cleanup));
    return { nodes: contactPoints.length, replication: contactPoints.length, passed, skipped };
  });
}
