import {
  Backoff,
  type BackoffLimits,
  type Clock,
  type Log,
  type Random,
  RefusedError,
} from '../../foundation/index.ts';
import type { LiveEvent } from '../live-event.ts';
import type { LiveService } from '../state/live-service.ts';
import { dueStage, nextDueMs } from '../state/schedule.ts';

export interface StageTimersParts {
  readonly live: Pick<LiveService, 'get' | 'run'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The longest wait: a clock that was set is noticed so late. */
  readonly waitMsMax: number;
  /** While the journal cannot be written. */
  readonly backoff: BackoffLimits;
}

/** For the next stage of an event, as of a version of its schedule. */
interface Timer {
  readonly event: string;
  readonly version: number;
  readonly dueMs: number;
}

const byClock = { actor: 'clock', reason: null, expectedVersion: null } as const;
/** Events whose stages are entered at the same time. */
const atOnceMax = 256;

/**
 * Enters stages when their time has come. Times are compared with the clock when a wait is over, never added up, and no wait is long: so a clock that is set forward lets
 * what is due then happen, and one that is set back lets it wait again. Of several stages that are due only the newest is entered, which is one entry in the journal: those
 * between it and the one that holds are over before anybody could have shown them.
 */
export class StageTimers {
  readonly #parts: StageTimersParts;
  readonly #timers = new Map<string, Timer>();
  readonly #backoff: Backoff;
  #changed = new AbortController();

  constructor(parts: StageTimersParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.backoff, parts.clock, parts.random);
  }

  /** In place of the one that the event had. */
  set(event: LiveEvent): void {
    const dueMs = nextDueMs(event);
    if (dueMs === null) this.#timers.delete(event.id);
    else this.#timers.set(event.id, { event: event.id, version: event.version, dueMs });
    this.#changed.abort();
  }

  /** Until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, waitMsMax } = this.#parts;
    signal.addEventListener('abort', () => this.#changed.abort(), { once: true });
    while (!signal.aborted) {
      const nowMs = clock.now();
      let waitMs = waitMsMax;
      const due: Timer[] = [];
      for (const timer of this.#timers.values()) {
        if (timer.dueMs <= nowMs && due.length < atOnceMax) due.push(timer);
        waitMs = Math.min(waitMs, Math.max(0, timer.dueMs - nowMs));
      }
      if (due.length > 0) {
        await this.#fireAll(due, signal);
      } else {
        this.#changed = new AbortController();
        await clock.sleep(waitMs, this.#changed.signal);
      }
    }
  }

  async #fireAll(due: readonly Timer[], signal: AbortSignal): Promise<void> {
    const failures = (await Promise.all(due.map((timer) => this.#fire(timer)))).filter((one) => one !== null);
    const [first] = failures;
    if (first === undefined) {
      this.#backoff.reset();
      return;
    }
    const { error, event } = first;
    const fields = { alarm: 'LIVE_STAGES_LATE', event, events: failures.length, error };
    this.#parts.log.error(fields, 'Stages are due and cannot be journaled.');
    await this.#backoff.wait(signal);
  }

  /** What went wrong, when it has to be tried again. */
  async #fire(timer: Timer): Promise<{ readonly event: string; readonly error: unknown } | null> {
    const { live, clock, log } = this.#parts;
    const { event: id, version } = timer;
    const event = live.get(id);
    const stage = event === null || event.version !== version ? null : dueStage(event, clock.now());
    try {
      if (stage !== null) {
        const command = { kind: 'clock', version, stage: stage.key } as const;
        const { sequence, timeMs, after } = await live.run(id, command, byClock);
        const fields = { event: id, stage: stage.key, sequence, lateMs: timeMs - after.at };
        log.debug(fields, 'The clock entered a stage.');
      }
    } catch (error) {
      // Too many commands wait: that passes, if they are let.
      if (!(error instanceof RefusedError) || error.code === 'LIVE_BUSY') return { event: id, error };
      // Somebody was faster: what holds now has a timer of its own, or none.
      log.debug({ event: id, stage: stage?.key, code: error.code }, 'A timer came too late and did nothing.');
    }
    if (this.#timers.get(id) === timer) this.#renew(id);
    return null;
  }

  #renew(id: string): void {
    const event = this.#parts.live.get(id);
    if (event === null) this.#timers.delete(id);
    else this.set(event);
  }
}
