import { JourneyGraphError } from '../../foundation/index.ts';
import type { BackfillJournal, JournalEntry } from './backfill-journal.ts';
import type { BackfillPlan } from './backfill-plan.ts';

export interface ShelvedPlan {
  readonly plan: BackfillPlan;
  readonly entry: JournalEntry;
}

export interface Shelf {
  /** The newest first. */
  readonly plans: readonly ShelvedPlan[];
  /** Why others cannot be read, a sentence each. */
  readonly damaged: readonly string[];
}

/** All plans of a journal. Of those that never ran the oldest give way. */
export class PlanShelf {
  readonly #journal: BackfillJournal;
  readonly #plannedMax: number;

  constructor(journal: BackfillJournal, plannedMax: number) {
    this.#journal = journal;
    this.#plannedMax = plannedMax;
  }

  /** Keeps it; `running` are not to be forgotten. */
  async put(plan: BackfillPlan, running: { has(id: string): boolean }): Promise<void> {
    await this.#journal.freeze(plan);
    const { plans } = await this.all();
    const planned = plans.filter(({ plan: { id }, entry: { state } }) => {
      return state === 'planned' && id !== plan.id && !running.has(id);
    });
    for (const old of planned.slice(this.#plannedMax - 1)) await this.#journal.forget(old.plan.id);
  }

  async all(): Promise<Shelf> {
    const plans: ShelvedPlan[] = [];
    const damaged: string[] = [];
    for (const id of await this.#journal.ids()) {
      try {
        plans.push({ plan: await this.#journal.plan(id), entry: await this.#journal.entry(id) });
      } catch (error) {
        if (!(error instanceof JourneyGraphError) || error.reaction === 'outage') throw error;
        damaged.push(error.message);
      }
    }
    plans.sort((a, b) => b.plan.createdMs - a.plan.createdMs);
    return { plans, damaged };
  }

  /** Rows a second of the newest replay that is done; null without any. */
  async newestRate(): Promise<number | null> {
    const { plans } = await this.all();
    const done = plans.find(({ entry: { state, activeMs } }) => state === 'done' && activeMs > 0);
    return done === undefined ? null : (done.plan.rows * 1_000) / done.entry.activeMs;
  }

  /** Of one that runs nowhere. */
  async cancel(id: string, nowMs: number): Promise<void> {
    const entry = await this.#journal.entry(id);
    if (entry.state === 'done') return;
    await this.#journal.write(id, { ...entry, state: 'cancelled', changedMs: nowMs });
  }
}
