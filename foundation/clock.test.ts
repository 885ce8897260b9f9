import { describe, expect, it } from 'vitest';
import { systemClock } from './index.ts';

describe('systemClock.sleep', () => {
  it('ends at once when the signal was aborted before', async () => {
    const before = systemClock.now();
    await systemClock.sleep(60_000, AbortSignal.abort());
    expect(systemClock.now() - before).toBeLessThan(30_000);
  });

  it('ends when the signal aborts', async () => {
    const controller = new AbortController();
    const before = systemClock.now();
    const sleeping = systemClock.sleep(60_000, controller.signal);
    controller.abort();
    await sleeping;
    expect(systemClock.now() - before).toBeLessThan(30_000);
  });

  it('of 0 ms lets everything else have its turn, and no more', async () => {
    const turns: string[] = [];
    setImmediate(() => turns.push('before'));
    await systemClock.sleep(0);
    expect(turns).toEqual(['before']);
  });
});
