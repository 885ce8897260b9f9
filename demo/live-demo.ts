import { Backoff, type Clock, JourneyGraphError, type Random } from '../foundation/index.ts';
import { demoLivePlan } from './live-plan.ts';
import { type Franchise, franchises, pick } from './world.ts';

export interface LiveDemoStage {
  readonly key: string;
  readonly kind: 'announced' | 'lobby' | 'live' | 'ended';
  readonly startsAtMs: number;
}

/** An event to be made. */
export interface LiveDemoEvent {
  readonly id: string;
  readonly title: string;
  readonly stages: readonly LiveDemoStage[];
  readonly audience: string;
  /** As JSON. */
  readonly plan: string;
}

/** What the demo asks of live events, as any operator would. Methods throw JourneyGraphError; what is retryable is asked again. */
export interface LiveDemoCommands {
  /** The id of a frozen audience of the demo's members. Asked before each event; the same one may be answered again. */
  audience(): Promise<string>;
  /** Resolves when the event is journaled. */
  create(event: LiveDemoEvent): Promise<void>;
  /** Ids of all events, with whether they are over. */
  list(): readonly { readonly id: string; readonly isOver: boolean }[];
  /** Of one that is over. */
  remove(id: string): Promise<void>;
}

/** Each after the event is announced. */
export interface LiveDemoTimes {
  readonly lobbyMs: number;
  readonly liveMs: number;
  readonly endedMs: number;
  /** The next event is announced. */
  readonly nextMs: number;
}

export const liveDemoTimesDefault: LiveDemoTimes = {
  lobbyMs: 60_000,
  liveMs: 90_000,
  endedMs: 150_000,
  nextMs: 180_000,
};

export interface LiveDemoParts {
  readonly commands: LiveDemoCommands;
  readonly clock: Clock;
  readonly random: Random;
  readonly times: LiveDemoTimes;
}

const prefix = 'demo-live-';
/** Events of the demo that are over and still to be looked at; older ones are removed. */
const keptMax = 5;
const retry = { baseMs: 1000, maxMs: 30_000 };

/** A live event every few minutes. The clock of live events does the rest: the demo only makes them, and clears away what is over. */
export class LiveDemo {
  readonly #parts: LiveDemoParts;

  constructor(parts: LiveDemoParts) {
    this.#parts = parts;
  }

  /** Until the signal aborts. What is down is waited for; a bug is thrown. */
  async play(signal: AbortSignal): Promise<void> {
    const { clock, random, times } = this.#parts;
    const backoff = new Backoff(retry, clock, random);
    while (!signal.aborted) {
      try {
        await this.#clearAway();
        await this.#announce();
        backoff.reset();
        await clock.sleep(times.nextMs, signal);
      } catch (error) {
        if (!(error instanceof JourneyGraphError && error.retryable)) throw error;
        await backoff.wait(signal);
      }
    }
  }

  async #announce(): Promise<void> {
    const { commands, clock, random, times } = this.#parts;
    const audience = await commands.audience();
    const franchise: Franchise = pick(franchises, random);
    const nowMs = Math.round(clock.now());
    await commands.create({
      // In the order of time, also after the demo was started again.
      id: `${prefix}${nowMs}`,
      title: franchise.live.name,
      stages: [
        { key: 'announced', kind: 'announced', startsAtMs: nowMs },
        { key: 'lobby', kind: 'lobby', startsAtMs: nowMs + times.lobbyMs },
        { key: 'live', kind: 'live', startsAtMs: nowMs + times.liveMs },
        { key: 'ended', kind: 'ended', startsAtMs: nowMs + times.endedMs },
      ],
      audience,
      plan: demoLivePlan(franchise),
    });
  }

  /** Events of others are none of the demo's business. */
  async #clearAway(): Promise<void> {
    const { commands } = this.#parts;
    const over = commands.list().filter(({ id, isOver }) => isOver && id.startsWith(prefix));
    const oldestFirst = over.map(({ id }) => id).sort();
    for (const id of oldestFirst.slice(0, Math.max(0, oldestFirst.length - keptMax)))
      await commands.remove(id);
  }
}
