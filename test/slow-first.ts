import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * A long file that begins last leaves the other workers with nothing to do. Vitest goes by the size of a file where it has not
 * run before, and the longest of ours are short texts over large suites.
 */
const slowest = [
  'test/main-job.int.test.ts',
  'graph-store/neo4j-faults.int.test.ts',
  'graph-store/neo4j-store.int.test.ts',
  'cli/up-neo4j.int.test.ts',
  'ingest/kafka-source.int.test.ts',
  'graph-store/leveldb-store.test.ts',
  'cli/store.test.ts',
  'cli/up.test.ts',
  'graph-store/leveldb-verify.test.ts',
  'console/live-page.test.ts',
  'test/disk-faults.test.ts',
  'graph-store/adjacency-heads.test.ts',
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
