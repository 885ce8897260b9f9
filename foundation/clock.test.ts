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
});
