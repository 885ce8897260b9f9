import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemPorts } from './pause.ts';

describe('A pause between two tries', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('ends when its time has come, and holds its signal no longer', async () => {
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    const over = vi.fn();
    const pause = systemPorts.sleep(1000, signal).then(over);
    await vi.advanceTimersByTimeAsync(999);
    expect(over).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await pause;
    expect(removed).toHaveBeenCalledOnce();
  });

  it('ends when nobody wants to wait any more, and leaves no timer', async () => {
    const stop = new AbortController();
    const pause = systemPorts.sleep(1000, stop.signal);
    stop.abort();
    await pause;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not begin when nobody wants to wait by then', async () => {
    await systemPorts.sleep(1000, AbortSignal.abort());
    expect(vi.getTimerCount()).toBe(0);
  });
});
