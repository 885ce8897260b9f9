import { mayFollow, type QuietWindow } from '../../device/index.ts';
import type { LiveEvent } from '../live-event.ts';
import { quietLimitsDefault, quietWindow } from '../prefetch/quiet-window.ts';
import type { Scenario, ScenarioStage } from './scenario.ts';

/** What one change of the event tells devices: its stage, by index, and the version of its schedule. */
export interface VirtualBroadcast {
  readonly sequence: number;
  readonly version: number;
  readonly stage: number;
  readonly atMs: number;
  readonly cause: 'stage' | 'moved' | 'late';
}

const noStage: ScenarioStage = { key: 'none', kind: 'announced', startsAtMs: 0 };

/** The event's schedule by a virtual clock: stages that begin, are moved, and are late. */
export class VirtualSchedule {
  readonly #stages: ScenarioStage[];
  readonly #scenario: Scenario;
  readonly #late: Map<string, number>;
  #sequence = 0;
  #version = 1;
  #stage = -1;
  #quiet: { readonly nowMs: number; readonly sequence: number; readonly window: QuietWindow | null } | null =
    null;

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

  /** As the server has it, which is asked once for each moment. */
  quiet(nowMs: number): QuietWindow | null {
    if (this.#quiet?.nowMs !== nowMs || this.#quiet.sequence !== this.#sequence) {
      const { quietLeadMs: leadMs, quietTailMs: tailMs } = this.#scenario.prefetch;
      const window = quietWindow(this.#event(), nowMs, { ...quietLimitsDefault, leadMs, tailMs });
      this.#quiet = { nowMs, sequence: this.#sequence, window };
    }
    return this.#quiet.window;
  }

  isFirstLive(stage: number): boolean {
    return this.#stages.findIndex(({ kind }) => kind === 'live') === stage;
  }

  #event(): LiveEvent {
    const { key, kind, startsAtMs } = this.#stages[Math.max(0, this.#stage)] ?? noStage;
    const about = {
      id: 'rehearsal',
      title: this.#scenario.name,
      audience: null,
      plan: null,
      createdMs: 0,
      epoch: 1,
    };
    const state = { stage: key, stageKind: kind, at: startsAtMs };
    return { ...about, ...state, stages: this.#stages, version: this.#version, sequence: this.#sequence };
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

/** `mayFollow` of devices for indices, asked once for each pair: a million devices ask for a handful of them. */
export function rankedFollow(stages: readonly ScenarioStage[]): (shown: number, next: number) => boolean {
  const answers = new Map<number, boolean>();
  return (shown, next) => {
    const pair = (shown + 1) * stages.length + next;
    let answer = answers.get(pair);
    if (answer === undefined) {
      answer = mayFollow(stages, stages[shown]?.key ?? null, stages[next]?.key ?? '');
      answers.set(pair, answer);
    }
    return answer;
  };
}
