import type { Random } from '../../foundation/index.ts';

/** No expiry lies in `[fromMs, untilMs)`. */
export interface QuietWindow {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** What a prefetch says of its own life: as `device/` has it. */
export interface PrefetchLife {
  readonly ttlMs: number;
  readonly expiresAt: number;
  readonly quiet: QuietWindow | null;
  readonly spreadMs: number;
}

export interface TtlLimits {
  readonly ttlMs: number;
  readonly jitterShare: number;
  readonly spreadMs: number;
  readonly transitMs: number;
}

/** The pure parts of the product that a rehearsal runs: the server's times to live, the device's refreshes, and which stage may follow which. */
export interface EventRules {
  timeToLive(nowMs: number, quiet: QuietWindow | null, limits: TtlLimits, random: Random): number;
  refreshAtMs(life: PrefetchLife, random: Random): number;
  /** `schedule`: the keys of the stages, in their order. */
  mayFollow(schedule: readonly string[], shown: string | null, next: string): boolean;
}

const clientJitterShare = 0.1;

/** PROTOCOL.md, 3 and 6, in short: stands in until the parts that devices and servers use are joined. */
export const plainRules: EventRules = {
  timeToLive(nowMs, quiet, { ttlMs, jitterShare, spreadMs, transitMs }, random) {
    const usual = Math.max(1, Math.floor(ttlMs * (1 - jitterShare * random())));
    if (quiet === null) return usual;
    const isBefore = nowMs + usual + transitMs < quiet.fromMs;
    const isBehind = nowMs + usual * (1 - clientJitterShare) >= quiet.untilMs;
    if (isBefore || isBehind) return usual;
    const untilOver = Math.ceil((quiet.untilMs - nowMs) / (1 - clientJitterShare)) + 1;
    return untilOver + Math.floor(spreadMs * random());
  },
  refreshAtMs({ ttlMs, expiresAt, quiet, spreadMs }, random) {
    const atMs = expiresAt - ttlMs + Math.floor(ttlMs * (1 - clientJitterShare * random()));
    if (quiet === null || atMs < quiet.fromMs || atMs >= quiet.untilMs) return atMs;
    return quiet.untilMs + Math.floor(spreadMs * random());
  },
  mayFollow(schedule, shown, next) {
    return shown === null || schedule.indexOf(next) >= schedule.indexOf(shown);
  },
};
