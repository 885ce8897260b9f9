import type { EventRules, QuietWindow } from './event-rules.ts';
import type { Scenario, ScenarioStage } from './scenario.ts';

/** What one change of the event tells devices: its stage, by index, and the version of its schedule. */
export interface VirtualBroadcast {
  readonly sequence: number;
  readonly version: number;
  readonly stage: number;
  readonly atMs: number;
  readonly cause: 'stage' | 'moved' | 'late';
}

/** The event's schedule by a virtual clock: stages that begin, are moved, and are late. */
export class VirtualSchedule {
  readonly #stages: ScenarioStage[];
  readonly #scenario: Scenario;
  readonly #late: Map<string, number>;
  #sequence = 0;
  #version = 1;
  #stage = -1;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#stages = [...scenario.stages];
    this.#late = new Map(
      scenario.faults.flatMap((fault) => (fault.kind === 'late-start' ? [[fault.stage, fault.byMs]] : [])),
    );
  }

  get version(): number {
    return this.#version;
  }

  get keys(): readonly string[] {
    return this.#stages.map(({ key }) => key);
  }

  get stage(): number {
    return this.#stage;
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** The stage that is due now, or that it is late. Null: nothing changes. */
  due(nowMs: number): VirtualBroadcast | null {
    const next = this.#stages[this.#stage + 1];
    if (next === undefined || nowMs < next.startsAtMs) return null;
    const lateMs = this.#late.get(next.key);
    if (lateMs !== undefined) {
      this.#late.delete(next.key);
      return this.#moved(nowMs, lateMs, 'late');
    }
    this.#stage += 1;
    return this.#broadcast(next.startsAtMs, 'stage');
  }

  move(nowMs: number, byMs: number): VirtualBroadcast {
    return this.#moved(nowMs, byMs, 'moved');
  }

  /** From before the first live stage until after the end; null when it is over. */
  quiet(nowMs: number): QuietWindow | null {
    const { quietLeadMs, quietTailMs } = this.#scenario.prefetch;
    const live = this.#stages.find(({ kind }) => kind === 'live');
    if (live === undefined) return null;
    const ended = this.#stages.find(({ kind }) => kind === 'ended');
    const endMs = ended?.startsAtMs ?? this.#scenario.durationMs;
    const window = { fromMs: live.startsAtMs - quietLeadMs, untilMs: endMs + quietTailMs };
    return nowMs < window.untilMs ? window : null;
  }

  isFirstLive(stage: number): boolean {
    return this.#stages.findIndex(({ kind }) => kind === 'live') === stage;
  }

  #moved(nowMs: number, byMs: number, cause: 'moved' | 'late'): VirtualBroadcast {
    for (let index = this.#stage + 1; index < this.#stages.length; index += 1) {
      const stage = this.#stages[index];
      if (stage === undefined) continue;
      this.#stages[index] = { ...stage, startsAtMs: Math.max(nowMs, stage.startsAtMs + byMs) };
    }
    this.#version += 1;
    return this.#broadcast(nowMs, cause);
  }

  #broadcast(atMs: number, cause: VirtualBroadcast['cause']): VirtualBroadcast {
    this.#sequence += 1;
    return { sequence: this.#sequence, version: this.#version, stage: Math.max(0, this.#stage), atMs, cause };
  }
}

/** `mayFollow` for indices, asked once for each pair: a million devices ask for a handful of them. */
export function rankedFollow(
  rules: EventRules,
  keys: readonly string[],
): (shown: number, next: number) => boolean {
  const answers = new Map<number, boolean>();
  return (shown, next) => {
    const pair = (shown + 1) * 1_000 + next;
    let answer = answers.get(pair);
    if (answer === undefined) {
      answer = rules.mayFollow(keys, keys[shown] ?? null, keys[next] ?? '');
      answers.set(pair, answer);
    }
    return answer;
  };
}
