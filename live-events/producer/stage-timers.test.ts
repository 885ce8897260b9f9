import { expect, it } from 'vitest';
import { RefusedError, silentLog } from '../../foundation/index.ts';
import { fakeDisk } from '../state/live-journal.fake.ts';
import { asking, createFight, minuteMs, startMs } from '../state/live-testing.ts';
import { startLife } from './producer-testing.ts';
import { StageTimers, type StageTimersParts } from './stage-timers.ts';
import { VirtualClock } from './virtual-clock.fake.ts';

/** So that a loop without a pause ends, and is seen. */
const triesMax = 1_000;

it('A timer whose command is refused because too many wait pauses before it tries again, ever longer, and then enters its stage', async () => {
  const clock = new VirtualClock(startMs);
  const { service, producer } = startLife(fakeDisk(), clock, () => 0.5);
  const event = (await service.run('f', createFight, asking)).after;
  const stopping = producer.stop();
  await clock.pass(0);
  await stopping;
  const stop = new AbortController();
  const triedAtMs: number[] = [];
  let busy = true;
  const live: StageTimersParts['live'] = {
    get: (id) => service.get(id),
    run: async (...asked) => {
      triedAtMs.push(clock.now());
      if (triedAtMs.length >= triesMax) stop.abort();
      if (busy) throw new RefusedError('LIVE_BUSY', 'Too many commands wait.');
      return await service.run(...asked);
    },
  };
  const backoff = { baseMs: 100, maxMs: 2_000 };
  const timers = new StageTimers({
    live,
    clock,
    random: () => 0.5,
    log: silentLog,
    waitMsMax: 1_000,
    backoff,
  });
  timers.set(event);
  const running = timers.run(stop.signal);
  await clock.pass(30 * minuteMs + 20_000);
  // Ten at 2 s each, and fewer than ten until then.
  expect(triedAtMs.length).toBeGreaterThan(5);
  expect(triedAtMs.length).toBeLessThan(25);
  expect(service.get('f')?.stage).toBe('announced');
  busy = false;
  await clock.pass(2_000);
  expect(service.get('f')?.stage).toBe('lobby');
  stop.abort();
  await clock.pass(0);
  await running;
});
