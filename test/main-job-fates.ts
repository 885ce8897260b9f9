import type { SourceStatus } from '../graph-store/index.ts';
import type { ExpectedFates } from './main-job-oracle.ts';

/** Where what a store's positions say differs from what the producer knows of each partition, in words; empty when nothing does. */
export function compareFates(
  sources: readonly SourceStatus[],
  expected: readonly ExpectedFates[],
): readonly string[] {
  const differences: string[] = [];
  if (sources.length !== expected.length)
    differences.push(`${sources.length} partitions have a position, ${expected.length} have records`);
  for (const { topic, partition, ...fates } of expected) {
    const status = sources.find(({ source }) => source.topic === topic && source.partition === partition);
    const { consumed = 0, applied = 0, superseded = 0, filtered = 0, deadLettered = 0 } = status?.fates ?? {};
    const compare = (what: string, found: number, wanted: number): void => {
      if (found !== wanted) differences.push(`${topic}/${partition}: ${what} ${found}, expected ${wanted}`);
    };
    compare('consumed', consumed, fates.consumed);
    compare('applied or superseded', applied + superseded, fates.landed);
    compare('filtered', filtered, fates.filtered);
    compare('dead-lettered', deadLettered, fates.deadLettered);
    compare('the sum of the fates is', applied + superseded + filtered + deadLettered, consumed);
    if (applied < fates.distinct)
      differences.push(`${topic}/${partition}: ${applied} applied of ${fates.distinct} different events`);
  }
  return differences;
}
