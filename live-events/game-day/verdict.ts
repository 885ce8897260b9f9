import { countText } from '../../foundation/index.ts';
import type { BroadcastResult, RehearsalResult } from './rehearsal-result.ts';

/** One line of the plan against what came of it. */
export interface Check {
  readonly name: string;
  readonly passed: boolean;
  /** As people read it. */
  readonly target: string;
  readonly actual: string;
  /** Where it was worst; null where there is no place. */
  readonly where: string | null;
}

export interface Verdict {
  /** Also of a plan that asks for nothing. */
  readonly passed: boolean;
  readonly checks: readonly Check[];
}

/** Of the targets that the scenario names; the worst broadcast counts. One that nobody was connected for says nothing. */
export function judge(result: RehearsalResult): Verdict {
  const { targets } = result.scenario;
  const { totals } = result;
  const checks = [
    timeCheck('T50 of the slowest broadcast', targets.t50Ms, result.broadcasts, ({ t50Ms }) => t50Ms),
    timeCheck('T99 of the slowest broadcast', targets.t99Ms, result.broadcasts, ({ t99Ms }) => t99Ms),
    timeCheck('T100 of the slowest broadcast', targets.t100Ms, result.broadcasts, ({ t100Ms }) => t100Ms),
    atLeast('Prefetched when it went live', targets.prefetchCoverageMin, totals.prefetchCoverage),
    atLeast('Users admitted', targets.userAdmittedMin, totals.userAdmitted),
    atMost('Refreshes in the quiet window', targets.quietRefreshesMax, totals.quietRefreshes, countText),
    atMost('CPU of the busiest gateway', targets.gatewayCpuMax, totals.gatewayCpuMax, percent),
    atMost('Steps back to an earlier stage', targets.stepsBackMax, totals.stepsBack, countText),
    recoveryCheck(result),
  ].filter((check) => check !== null);
  return { passed: checks.every(({ passed }) => passed), checks };
}

export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round((ms % 60_000) / 1_000);
  return `${Math.floor(ms / 60_000)} min${seconds === 0 ? '' : ` ${seconds} s`}`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0.99 && share < 1 ? 2 : 1)} %`;
}

/** A broadcast as people know it. */
export function broadcastName({ sequence, stage, cause }: BroadcastResult): string {
  const what = { stage: `${stage} begins`, moved: 'the schedule is moved', late: 'the start is late' };
  return `${sequence}: ${what[cause]}`;
}

function timeCheck(
  name: string,
  targetMs: number | null,
  broadcasts: readonly BroadcastResult[],
  timeOf: (broadcast: BroadcastResult) => number | null,
): Check | null {
  if (targetMs === null) return null;
  let worst: { readonly ms: number; readonly broadcast: BroadcastResult } | null = null;
  for (const broadcast of broadcasts.filter(({ devices }) => devices > 0)) {
    const ms = timeOf(broadcast) ?? Number.POSITIVE_INFINITY;
    if (worst === null || ms > worst.ms) worst = { ms, broadcast };
  }
  const target = `at most ${durationText(targetMs)}`;
  if (worst === null) {
    return { name, passed: false, target, actual: 'no broadcast reached anybody', where: null };
  }
  const actual = Number.isFinite(worst.ms)
    ? durationText(worst.ms)
    : `${countText(worst.broadcast.missing)} never reached`;
  return { name, passed: worst.ms <= targetMs, target, actual, where: broadcastName(worst.broadcast) };
}

function recoveryCheck({ scenario, recoveries }: RehearsalResult): Check | null {
  const { recoveryMs } = scenario.targets;
  if (recoveryMs === null) return null;
  const tookMs = recoveries.map((recovery) => recovery.tookMs ?? Number.POSITIVE_INFINITY);
  const worstMs = Math.max(0, ...tookMs);
  const away = recoveries.reduce((sum, { lost, back }) => sum + lost - back, 0);
  return {
    name: 'All back after a fault',
    passed: worstMs <= recoveryMs,
    target: `within ${durationText(recoveryMs)}`,
    actual: Number.isFinite(worstMs) ? durationText(worstMs) : `${countText(away)} never came back`,
    where: null,
  };
}

function atLeast(name: string, target: number | null, actual: number | null): Check | null {
  if (target === null) return null;
  const passed = actual !== null && actual >= target;
  const said = actual === null ? 'it never went live' : percent(actual);
  return { name, passed, target: `at least ${percent(target)}`, actual: said, where: null };
}

function atMost(
  name: string,
  target: number | null,
  actual: number,
  textOf: (value: number) => string,
): Check | null {
  if (target === null) return null;
  return {
    name,
    passed: actual <= target,
    target: `at most ${textOf(target)}`,
    actual: textOf(actual),
    where: null,
  };
}
