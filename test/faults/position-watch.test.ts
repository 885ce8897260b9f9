import { describe, expect, it } from 'vitest';
import { type Clock, OutageError, systemClock } from '../../foundation/index.ts';
import type { SourceStatus } from '../../graph-store/index.ts';
import { PositionWatch } from './position-watch.ts';

const clock: Clock = { ...systemClock, sleep: () => systemClock.sleep(0) };
const source = { cluster: 'c', topic: 't', topicId: 'i', partition: 0 };

function at(epoch: number, next: number, consumed = next): SourceStatus {
  const fates = { consumed, applied: consumed, superseded: 0, filtered: 0, deadLettered: 0 };
  return { source, epoch, next: BigInt(next), fates, newestEventMs: 0 };
}

/** A watch that has seen these, one look after the other. */
async function watchOf(...looks: (SourceStatus | Error)[]): Promise<PositionWatch> {
  const seen = Promise.withResolvers<void>();
  const left = [...looks];
  const watch = new PositionWatch(
    {
      sources: async () => {
        const look = left.shift();
        if (look === undefined) {
          seen.resolve();
          return [];
        }
        if (look instanceof Error) throw look;
        return [look];
      },
    },
    clock,
  );
  watch.start();
  await seen.promise;
  await watch.stop();
  return watch;
}

describe('The watch over positions', () => {
  it('finds nothing in positions and epochs that grow, and says how far they are', async () => {
    const watch = await watchOf(at(1, 0), at(1, 10), at(3, 10), at(3, 25));
    expect([watch.stale, watch.readAgain, watch.consumed, watch.claims]).toEqual([[], 0, 25, 3]);
  });

  it('takes it for stale when a record was counted twice, an epoch went back, or a position did within one', async () => {
    expect((await watchOf(at(1, 10, 12))).stale).toEqual([
      't/0 is at 10 and has consumed 12 records, in epoch 1',
    ]);
    expect((await watchOf(at(2, 10), at(1, 12))).stale).toHaveLength(1);
    expect((await watchOf(at(2, 10), at(2, 9))).stale).toEqual([
      't/0 went back from 10 in epoch 2 to 9 in 2',
    ]);
  });

  it('counts what a new epoch reads again, which is not stale', async () => {
    const watch = await watchOf(at(2, 10), at(3, 9));
    expect([watch.stale, watch.readAgain]).toEqual([[], 1]);
  });

  it('goes on when the store does not answer', async () => {
    const watch = await watchOf(at(1, 1), new OutageError('STORE_READ_FAILED', 'too few nodes'), at(1, 2));
    expect([watch.stale, watch.unanswered, watch.consumed]).toEqual([[], 1, 2]);
  });
});
