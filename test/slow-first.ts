import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * A long file that begins last leaves the other workers with nothing to do. Vitest goes by the size of a file where it has not
 * run before, and the longest of ours are short texts over large suites.
 */
const slowest = [
  // The longest, and the ones that wait for brokers beside it: those that keep a processor busy come after.
  'test/main-job.int.test.ts',
  'ingest/kafka-source.int.test.ts',
  'test/services/services.int.test.ts',
  'live-events/producer/kafka-broadcast-log.int.test.ts',
  'ingest/kafka-dead-letters.int.test.ts',
  'ingest/kafka-security.int.test.ts',
  'ingest/lookup-kafka.int.test.ts',
  'live-events/router/kafka-subscription-table.int.test.ts',
  'test/services/postgresql.int.test.ts',
  'graph-store/cassandra-store.int.test.ts',
  'graph-store/cassandra-access.int.test.ts',
  'graph-store/neo4j-store.int.test.ts',
  'graph-store/cassandra-cluster.int.test.ts',
  'test/walk.int.test.ts',
  'test/secured-product.int.test.ts',
  'test/processes/processes.int.test.ts',
  'ingest/archive/archiver-kafka.int.test.ts',
  'graph-store/leveldb-store.test.ts',
  'cli/up.test.ts',
  'cli/store.test.ts',
  'console/live-page.test.ts',
  'test/disk-faults.test.ts',
  'graph-store/leveldb-verify.test.ts',
];

/** Vitest's own order, with the slowest files before it. */
export default class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = (file: TestSpecification): number => {
      const at = slowest.indexOf(relative(this.ctx.config.root, file.moduleId));
      return at === -1 ? slowest.length : at;
    };
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}
