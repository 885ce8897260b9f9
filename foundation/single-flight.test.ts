import { describe, expect, it } from 'vitest';
import { SingleFlight } from './index.ts';

/** Each attempt is ended by the test, in any order. */
function attempts() {
  const begun: PromiseWithResolvers<string>[] = [];
  const flight = new SingleFlight(() => {
    const attempt = Promise.withResolvers<string>();
    begun.push(attempt);
    return attempt.promise;
  });
  return { begun, flight };
}

describe('SingleFlight', () => {
  it('makes one attempt for all who ask while it runs, and for all who ask later', async () => {
    const { begun, flight } = attempts();
    const both = [flight.get(), flight.get()];
    begun[0]?.resolve('connected');
    expect(await Promise.all(both)).toEqual(['connected', 'connected']);
    expect(await flight.get()).toBe('connected');
    expect(begun).toHaveLength(1);
  });

  it('attempts nothing before somebody asks', () => {
    const { begun, flight } = attempts();
    expect(flight.take()).toBeNull();
    expect(begun).toHaveLength(0);
  });

  it('tells a failure to all who waited, and tries again for the next', async () => {
    const { begun, flight } = attempts();
    const both = Promise.allSettled([flight.get(), flight.get()]);
    const down = new Error('down');
    begun[0]?.reject(down);
    const failed = { status: 'rejected', reason: down };
    expect(await both).toEqual([failed, failed]);
    const next = flight.get();
    begun[1]?.resolve('connected');
    expect(await next).toBe('connected');
    expect(begun).toHaveLength(2);
  });

  it('hands what is still being made to whoever closes, and keeps nothing of it', async () => {
    const { begun, flight } = attempts();
    const asked = flight.get();
    const taken = flight.take();
    expect(flight.take()).toBeNull();
    begun[0]?.resolve('connected');
    expect(await taken).toBe('connected');
    expect(await asked).toBe('connected');
    expect(flight.take()).toBeNull();
  });

  it('keeps an attempt that began after another was taken, although that one fails later', async () => {
    const { begun, flight } = attempts();
    const first = flight.get();
    const taken = flight.take();
    const second = flight.get();
    begun[0]?.reject(new Error('down'));
    await expect(first).rejects.toThrow('down');
    await expect(taken).rejects.toThrow('down');
    begun[1]?.resolve('connected');
    expect(await Promise.all([second, flight.get()])).toEqual(['connected', 'connected']);
    expect(begun).toHaveLength(2);
  });
});
