import { type DevicePorts, sleepMsMax } from './device-ports.ts';
import type { Report } from './device-problem.ts';
import { type Prefetch, readPrefetch } from './prefetch.ts';
import type { PrefetchAnswer, PrefetchQuestion, PrefetchSource } from './prefetch-source.ts';
import { behindQuiet, refreshAfterMs } from './prefetch-ttl.ts';
import { Backoff, type BackoffLimits } from './reconnect.ts';

export interface PrefetcherParts {
  readonly question: Omit<PrefetchQuestion, 'etag' | 'signal'>;
  readonly source: PrefetchSource;
  readonly ports: DevicePorts;
  readonly limits: PrefetcherLimits;
  readonly report: Report;
  /** By the server's clock, as far as it is known. */
  readonly serverNow: () => number;
  readonly changed: (prefetch: Prefetch, receivedMs: number) => void;
}

export interface PrefetcherLimits {
  /** Between attempts while there is no answer. */
  readonly prefetchBackoff: BackoffLimits;
  /** For one answer. */
  readonly prefetchMs: number;
  /** Answers with an older schedule than a broadcast had, before the device waits for its time to live. */
  readonly outdatedMax: number;
}

/** Whatever a server says: at most this often, and at least this often. */
const refreshMsMin = 1000;
const refreshMsMax = 30 * 86_400_000;

/** Keeps the prefetch of one event fresh. One request at a time; times are those of the device's clock. */
export class Prefetcher {
  readonly #parts: PrefetcherParts;
  readonly #backoff: Backoff;
  #held: Prefetch | null = null;
  /** Until it is asked for again; counted by what was slept, since a device's clock is set. */
  #leftMs = 0;
  /** A schedule that a broadcast had, and how many answers had an older one since. */
  #wanted: { readonly version: number; readonly tries: number } | null = null;
  /** Of the wait or the request under way. */
  #pending = new AbortController();
  #isAsking = false;
  #isStopped = false;

  constructor(parts: PrefetcherParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.limits.prefetchBackoff, parts.ports.random);
  }

  get held(): Prefetch | null {
    return this.#held;
  }

  /** What the cache had. It is asked for again when its time has come. */
  start(held: Prefetch, receivedMs: number): void {
    this.#held = held;
    const nowMs = this.#parts.ports.clock.now();
    // One that came in the future tells of a clock that was set, and not when it came.
    const leftMs = receivedMs > nowMs ? 0 : receivedMs + this.#livesMs(held) - nowMs;
    // What is left has kept out of the window by the answer's own times.
    this.#leftMs = leftMs > 0 ? leftMs : this.#overdueMs(held, leftMs);
  }

  /** What expired within the window lasts until that is over; what is older may lack all that came since, and is asked for, spread with others that are started now. */
  #overdueMs({ quiet, spreadMs }: Prefetch, leftMs: number): number {
    const behindMs = this.#outsideQuietMs(0);
    if (behindMs === 0 || quiet === null) return 0;
    const expiredMs = this.#parts.serverNow() + leftMs;
    return expiredMs >= quiet.fromMs ? behindMs : this.#parts.ports.random() * spreadMs;
  }

  /** A broadcast had another schedule: asks again, spread with the others that got it. Once for each version. */
  wants(version: number): void {
    if (this.#held === null || this.#wanted?.version === version) return;
    this.#wanted = { version, tries: 0 };
    this.#leftMs = this.#parts.ports.random() * this.#held.spreadMs;
    // What is under way may bring it already.
    if (!this.#isAsking) this.#pending.abort();
  }

  /** Until it is stopped. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      this.#pending = new AbortController();
      if (this.#leftMs > 0) await this.#sleep(this.#pending.signal);
      else this.#leftMs = await this.#ask(this.#pending);
    }
  }

  async #sleep(signal: AbortSignal): Promise<void> {
    const sleptMs = Math.min(this.#leftMs, sleepMsMax);
    await this.#parts.ports.clock.sleep(sleptMs, signal);
    // Else there is another time to wait for.
    if (!signal.aborted) this.#leftMs -= sleptMs;
  }

  stop(): void {
    this.#isStopped = true;
    this.#pending.abort();
  }

  /** Milliseconds until it is to be asked again. */
  async #ask(pending: AbortController): Promise<number> {
    const { source, question, limits, report, ports } = this.#parts;
    const { signal } = pending;
    const tooLate = ports.clock.sleep(limits.prefetchMs, signal).then((): null => null);
    this.#isAsking = true;
    try {
      const asked = source({ ...question, etag: this.#held?.etag ?? null, signal });
      const answer = await Promise.race([asked, tooLate]);
      if (this.#isStopped) return 0;
      if (answer !== null) return this.#take(answer);
      report('PREFETCH_FAILED', `No answer for ${limits.prefetchMs} ms.`);
    } catch (cause) {
      if (!this.#isStopped) report('PREFETCH_FAILED', 'The prefetch could not be asked for.', cause);
    } finally {
      this.#isAsking = false;
      pending.abort();
    }
    return this.#retryAfterMs();
  }

  #take(answer: PrefetchAnswer): number {
    const { report, ports } = this.#parts;
    if (answer.kind === 'later') return this.#retryAfterMs(answer.afterMs);
    const prefetch = answer.kind === 'new' ? readPrefetch(answer.prefetch) : this.#prolonged(answer.ttlMs);
    if (prefetch === null) {
      report('BAD_PREFETCH', 'The answer is no prefetch; what was held is used on.');
      return this.#retryAfterMs();
    }
    this.#held = prefetch;
    this.#parts.changed(prefetch, ports.clock.now());
    if (this.#isOutdated(prefetch)) return this.#retryAfterMs(ports.random() * prefetch.spreadMs);
    this.#backoff.reset();
    return this.#refreshAfterMs(prefetch);
  }

  /** Behind a cache or a slow replica an older schedule may come; after a few of them it is what there is. */
  #isOutdated({ version }: Prefetch): boolean {
    if (this.#wanted === null) return false;
    if (version >= this.#wanted.version) this.#wanted = null;
    else this.#wanted = { version: this.#wanted.version, tries: this.#wanted.tries + 1 };
    return this.#isWanting();
  }

  #isWanting(): boolean {
    return this.#wanted !== null && this.#wanted.tries < this.#parts.limits.outdatedMax;
  }

  #prolonged(ttlMs: number | null): Prefetch | null {
    const held = this.#held;
    if (held === null) return null;
    const its = ttlMs ?? held.ttlMs;
    return { ...held, ttlMs: its, expiresAt: Math.round(this.#parts.serverNow()) + its };
  }

  /** Of one that came now. Never within the quiet window: also where the server's time to live would be. */
  #refreshAfterMs(prefetch: Prefetch): number {
    return this.#outsideQuietMs(this.#livesMs(prefetch));
  }

  /** From when it came. */
  #livesMs(prefetch: Prefetch): number {
    const afterMs = refreshAfterMs(prefetch, this.#parts.ports.random);
    return Math.min(refreshMsMax, Math.max(refreshMsMin, afterMs));
  }

  /** Who holds something leaves the window to those who hold nothing, or an older schedule. */
  #retryAfterMs(leastMs = 0): number {
    const afterMs = Math.max(leastMs, this.#backoff.nextMs());
    return this.#isWanting() ? afterMs : this.#outsideQuietMs(afterMs);
  }

  #outsideQuietMs(afterMs: number): number {
    if (this.#held === null) return afterMs;
    const nowMs = this.#parts.serverNow();
    const { quiet, spreadMs } = this.#held;
    return behindQuiet(nowMs + afterMs, quiet, spreadMs, this.#parts.ports.random()) - nowMs;
  }
}
