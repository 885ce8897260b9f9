import { systemClock } from '../../foundation/index.ts';
import { ServiceError } from './service-error.ts';

const pollMs = 200;

/** Asks again and again; an error counts as "not yet". @throws {ServiceError} when the time is over. */
export async function waitUntil(
  what: string,
  holds: () => Promise<boolean>,
  withinMs: number,
): Promise<void> {
  const deadline = systemClock.now() + withinMs;
  let last: unknown = null;
  while (systemClock.now() < deadline) {
    try {
      if (await holds()) return;
    } catch (error) {
      last = error;
    }
    await systemClock.sleep(pollMs);
  }
  throw new ServiceError(`Not within ${withinMs / 1000} s: ${what}.`, { cause: last });
}
