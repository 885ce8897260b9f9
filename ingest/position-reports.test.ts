import { expect, it } from 'vitest';
import type { Clock } from '../foundation/index.ts';
import { PositionReports } from './position-reports.ts';

/** Reports whose commits fail as often as said, on a clock that waits for `tick`. */
function setUp(failuresToCome = 0): {
  readonly reports: PositionReports;
  readonly told: string[];
  readonly failed: number[];
  tick(): Promise<void>;
} {
  let left = failuresToCome;
  const told: string[] = [];
  const failed: number[] = [];
  let wake: (() => void) | null = null;
  const clock: Clock = {
    now: () => 0,
    sleep: () =>
      new Promise((resolve) => {
        wake = resolve;
      }),
  };
  const reports = new PositionReports(
    async (partition, next) => {
      left -= 1;
      if (left >= 0) throw new Error('the group is rebalancing');
      told.push(`${partition}: ${next}`);
    },
    clock,
    (_error, partition) => failed.push(partition),
  );
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const tick = async (): Promise<void> => {
    await settle();
    wake?.();
    await settle();
  };
  return { reports, told, failed, tick };
}

it('A report that could not be told is told in the next interval, though no other comes', async () => {
  const { reports, told, failed, tick } = setUp(2);
  reports.report(3, 10n);
  await tick();
  expect({ told, failed }).toEqual({ told: [], failed: [3, 3] });
  await tick();
  expect({ told, failures: reports.failures }).toEqual({ told: ['3: 10'], failures: 2 });
});

it('A newer report replaces one that waits or has failed', async () => {
  const { reports, told, tick } = setUp(1);
  reports.report(0, 1n);
  reports.report(0, 2n);
  await tick();
  await tick();
  expect(told).toEqual(['0: 2']);
});

it('What failed is not told any more once there is nobody to tell', async () => {
  const { reports, told, tick } = setUp(1);
  reports.report(0, 1n);
  reports.clear();
  await tick();
  await tick();
  reports.report(1, 5n);
  await tick();
  expect(told).toEqual(['1: 5']);
});
