import { Backoff, JourneyGraphError, OutageError, RefusedError } from '../../foundation/index.ts';
import type { SourceStatus } from '../../graph-store/index.ts';
import { asJourneyGraphError } from '../error-classifier.ts';
import { Turns } from '../turns.ts';
import type { BackfillDeskLimits, BackfillDeskParts, BackfillRequest } from './backfill-desk-parts.ts';
import { type JournalEntry, plannedEntry } from './backfill-journal.ts';
import type { BackfillPlan } from './backfill-plan.ts';
import type { BackfillProgress } from './backfill-progress.ts';
import { BackfillRun } from './backfill-run.ts';
import { lifeIn } from './life-fates.ts';
import { checkRefusals } from './plan-check.ts';
import { PlanShelf, type ShelvedPlan } from './plan-shelf.ts';
import { type PlanSummary, summaryOf } from './plan-summary.ts';
import { planBackfill } from './planner.ts';
import { noLetters, type OpenedReplay, openReplay } from './replay-graph.ts';
import { progressOfStored } from './stored-progress.ts';

export interface PlannedBackfill {
  readonly plan: PlanSummary;
  readonly progress: BackfillProgress;
}

export interface BackfillList {
  /** The newest first. */
  readonly backfills: readonly PlannedBackfill[];
  /** Why others cannot be read, a sentence each. */
  readonly damaged: readonly string[];
}

interface Running {
  readonly plan: BackfillPlan;
  /** Null while its archive is being opened or waited for. */
  run: BackfillRun | null;
  readonly cancelling: AbortController;
  /** What a person said while there was no run to tell it to, being written down: the next run begins behind it. Whoever said it is told when that fails. */
  said: Promise<void>;
  /** It has no run any more, and gets no other. */
  isEnding: boolean;
  /** Never rejects. */
  ended: Promise<void>;
  failure: unknown;
}

/**
 * What a person does with replays: plans, runs, looks, pauses, resumes, cancels. A replay runs in this process until it is done, also
 * when whoever asked for it has gone; what a kill interrupted goes on when {@link run} begins, and so does what was paused, paused.
 */
export class BackfillDesk {
  readonly #parts: BackfillDeskParts;
  readonly #limits: BackfillDeskLimits;
  readonly #shelf: PlanShelf;
  readonly #running = new Map<string, Running>();
  /** Replays begin and are cancelled in turns: a start sees the cancel before it in the journal, or the cancel sees it run. */
  readonly #turns = new Turns();
  readonly #closing = new AbortController();
  #bug: (error: unknown) => void = () => undefined;

  constructor(parts: BackfillDeskParts, limits: BackfillDeskLimits) {
    this.#parts = parts;
    this.#limits = limits;
    this.#shelf = new PlanShelf(parts.journal, limits.plannedMax);
  }

  /** A dry run: counts and an estimate. Kept to be run by its id unless it is refused. */
  async plan(request: BackfillRequest, signal: AbortSignal): Promise<PlanSummary> {
    const plan = await this.#plan(request, signal);
    if (plan.refusals.length === 0) await this.#shelf.put(plan, this.#running);
    return summaryOf(plan);
  }

  /**
   * Resolves when it runs; a plan that is done, or runs, is answered as it is.
   *
   * @throws RefusedError by the code of the plan's first refusal; `BACKFILL_UNKNOWN`, `BACKFILL_CANCELLED`, `BACKFILL_BUSY`.
   */
  async start(of: string | BackfillRequest, signal: AbortSignal): Promise<PlannedBackfill> {
    if (typeof of === 'string') return await this.#start(of, signal);
    const plan = await this.#plan(of, signal);
    checkRefusals(plan);
    await this.#shelf.put(plan, this.#running);
    return await this.#start(plan.id, signal);
  }

  async list(): Promise<BackfillList> {
    const sources = await this.#liveSources();
    const { plans, damaged } = await this.#shelf.all();
    const backfills = plans.map((shelved) => this.#shown(shelved, sources));
    return { backfills, damaged };
  }

  /** @throws RefusedError `BACKFILL_UNKNOWN`. */
  async show(id: string): Promise<PlannedBackfill> {
    const running = this.#running.get(id);
    if (running?.run != null) return { plan: summaryOf(running.plan), progress: progressOf(running.run) };
    const plan = await this.#parts.journal.plan(id);
    const entry = await this.#parts.journal.entry(id);
    return this.#shown({ plan, entry }, await this.#liveSources());
  }

  /** @throws RefusedError `BACKFILL_UNKNOWN`, `BACKFILL_NOT_RUNNING`. */
  async pause(id: string): Promise<PlannedBackfill> {
    const running = await this.#active(id);
    if (running === undefined) {
      const { state } = await this.#known(id);
      throw new RefusedError('BACKFILL_NOT_RUNNING', `The backfill ${id} is not running, it is ${state}.`);
    }
    if (running.run === null) await this.#say(running, 'paused');
    else await running.run.pause();
    return await this.show(id);
  }

  /** Goes on with what was paused, has failed or was killed. */
  async resume(id: string, signal: AbortSignal): Promise<PlannedBackfill> {
    if ((await this.#active(id)) === undefined) await this.#start(id, signal);
    const running = this.#running.get(id);
    if (running?.run === null) await this.#say(running, 'running');
    else await running?.run?.resume();
    return await this.show(id);
  }

  /** What ends is waited for: told by then, it would be written over how it ended. */
  async #active(id: string): Promise<Running | undefined> {
    const running = this.#running.get(id);
    if (running?.isEnding === true) await running.ended;
    return this.#running.get(id);
  }

  /** To one that waits for its archive, which can take hours. */
  async #say(running: Running, state: 'paused' | 'running'): Promise<void> {
    const { journal, clock } = this.#parts;
    const { id } = running.plan;
    const write = async (): Promise<void> => {
      const entry = await journal.entry(id);
      if (running.cancelling.signal.aborted || entry.state === 'done' || entry.state === 'cancelled') return;
      await journal.write(id, { ...entry, state, failure: null, changedMs: clock.now() });
    };
    running.said = running.said.then(write, write);
    await running.said;
  }

  /** For good; what was applied stays. */
  async cancel(id: string): Promise<PlannedBackfill> {
    return await this.#turns.run(() => this.#cancel(id));
  }

  /** As {@link cancel}, and it is listed no longer. The graph keeps its rows and positions: planned anew, the same plan goes on behind them. */
  async forget(id: string): Promise<PlannedBackfill> {
    return await this.#turns.run(async () => {
      const shown = await this.#cancel(id);
      await this.#parts.journal.forget(id);
      return shown;
    });
  }

  /** Goes on with what ran when the process before this one ended, then waits; resolves when `signal` has aborted and all have ended. */
  async run(signal: AbortSignal): Promise<void> {
    const bug = Promise.withResolvers<never>();
    this.#bug = bug.reject;
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    try {
      await Promise.race([this.#turns.run(() => this.#goOn(signal)), bug.promise]);
      await Promise.race([aborted, bug.promise]);
    } finally {
      await this.close();
    }
  }

  /** Resolves when it has ended, however; at once when it does not run. Rejects with what ended it by failure. */
  async ended(id: string): Promise<void> {
    const running = this.#running.get(id);
    if (running === undefined) return;
    await running.ended;
    if (running.failure !== null) throw running.failure;
  }

  /** Ends what runs, to go on another time. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  async #goOn(signal: AbortSignal): Promise<void> {
    const { log } = this.#parts;
    const { plans, damaged } = await this.#shelf.all();
    for (const message of damaged) log.warn({}, message);
    for (const { plan, entry } of plans) {
      if (this.#running.has(plan.id)) continue;
      if (signal.aborted || (entry.state !== 'running' && entry.state !== 'paused')) continue;
      if (this.#running.size >= this.#limits.runsMax) {
        log.warn({ backfill: plan.id }, 'A backfill waits to be resumed: too many others run.');
        continue;
      }
      log.info({ backfill: plan.id, topic: plan.topic }, `A backfill goes on, ${entry.state}.`);
      this.#begin(plan, null);
    }
  }

  async #plan(request: BackfillRequest, signal: AbortSignal): Promise<BackfillPlan> {
    const { topic, archive, filter, into } = request;
    const byTime = filter.fromMs !== null || filter.untilMs !== null;
    const opened = await this.#parts.open({ archive, topic, snapshotId: null, byTime }, signal);
    try {
      const { reader, snapshotId, isExplained } = opened;
      const facts = await this.#parts.facts(topic, into, signal);
      const rowsPerSecond = await this.#rateSoFar();
      const { clock } = this.#parts;
      const parts = { ...facts, reader, archive, snapshotId, isExplained, rowsPerSecond, clock };
      return await planBackfill(request, parts, signal);
    } finally {
      await opened.close();
    }
  }

  async #rateSoFar(): Promise<number | null> {
    const measured = await this.#shelf.newestRate();
    return measured === null ? null : Math.min(measured, this.#limits.rowsPerSecondMax);
  }

  async #known(id: string): Promise<{ readonly state: string }> {
    await this.#parts.journal.plan(id);
    return await this.#parts.journal.entry(id);
  }

  /** In its turn. */
  async #cancel(id: string): Promise<PlannedBackfill> {
    const running = this.#running.get(id);
    await this.#known(id);
    await running?.run?.cancel();
    running?.cancelling.abort();
    await running?.ended;
    if (running !== undefined) await allSaid(running);
    await this.#shelf.cancel(id, this.#parts.clock.now());
    return await this.show(id);
  }

  async #start(id: string, signal: AbortSignal): Promise<PlannedBackfill> {
    if (this.#running.has(id)) return await this.show(id);
    const startable = await this.#startable(id);
    if (startable === null) return await this.show(id);
    checkRefusals(startable.plan);
    const opened = await this.#open(startable.plan, signal);
    await this.#turns.run(() => this.#beginOpened(id, opened));
    return await this.show(id);
  }

  /** Null: it is done. Throws RefusedError `BACKFILL_UNKNOWN`, `BACKFILL_CANCELLED`. */
  async #startable(id: string): Promise<ShelvedPlan | null> {
    const plan = await this.#parts.journal.plan(id);
    const entry = await this.#parts.journal.entry(id);
    if (entry.state === 'done' && (await this.#isThere(plan))) return null;
    if (entry.state === 'cancelled')
      throw new RefusedError(
        'BACKFILL_CANCELLED',
        `The backfill ${id} was cancelled: plan it anew with another --repeat to apply it after all.`,
      );
    return { plan, entry };
  }

  /** In its turn. Looks again, because opening takes its time: meanwhile it may have been begun, done, cancelled or forgotten. */
  async #beginOpened(id: string, opened: OpenedReplay): Promise<void> {
    let isBegun = false;
    try {
      const startable = this.#running.has(id) ? null : await this.#startable(id);
      if (startable === null) return;
      const { plan, entry } = startable;
      const busy = this.#busy(plan);
      if (busy !== null) throw busy;
      if (entry.state === 'done') await this.#parts.journal.write(id, plannedEntry);
      this.#begin(plan, opened);
      isBegun = true;
    } finally {
      if (!isBegun) await opened.close();
    }
  }

  /** What was done into a shadow that was dropped since is to be done again. */
  async #isThere(plan: BackfillPlan): Promise<boolean> {
    if (plan.into === 'live') return true;
    const target = await this.#parts.target(plan.into);
    try {
      return lifeIn(plan, await target.graph.sources()).length === plan.life.length;
    } finally {
      await target.close();
    }
  }

  #busy(plan: BackfillPlan): RefusedError | OutageError | null {
    if (this.#closing.signal.aborted)
      return new OutageError('BACKFILL_CLOSING', 'The process is ending: ask again when it runs.');
    const running = [...this.#running.values()];
    const same = running.find((other) => isSameLife(other.plan, plan));
    if (same !== undefined)
      return new RefusedError(
        'BACKFILL_BUSY',
        `The backfill ${same.plan.id} moves the same positions: wait for it, or cancel it.`,
      );
    if (running.length < this.#limits.runsMax) return null;
    return new RefusedError(
      'BACKFILL_BUSY',
      `${this.#limits.runsMax} backfills run or are paused already: wait for one, or cancel it.`,
    );
  }

  async #liveSources(): Promise<readonly SourceStatus[]> {
    const target = await this.#parts.target('live');
    try {
      return await target.graph.sources();
    } finally {
      await target.close();
    }
  }

  /** One that waits for its archive runs, whatever the journal says of the last attempt, unless it was paused. */
  #shown({ plan, entry }: ShelvedPlan, sources: readonly SourceStatus[]): PlannedBackfill {
    const running = this.#running.get(plan.id);
    if (running?.run != null) return { plan: summaryOf(plan), progress: progressOf(running.run) };
    const isAsWritten = running === undefined || entry.state === 'paused';
    const now: JournalEntry = isAsWritten ? entry : { ...entry, state: 'running' };
    return { plan: summaryOf(plan), progress: progressOfStored(plan, now, sources) };
  }

  /** In its turn. */
  #begin(plan: BackfillPlan, opened: OpenedReplay | null): void {
    const running: Running = {
      ...{ plan, run: null, cancelling: new AbortController() },
      ...{ said: Promise.resolve(), isEnding: false, ended: Promise.resolve(), failure: null },
    };
    this.#running.set(plan.id, running);
    running.ended = this.#follow(running, opened)
      .then(
        () => undefined,
        (error: unknown) => {
          running.failure = error;
          if (!(error instanceof JourneyGraphError)) this.#bug(error);
        },
      )
      .finally(() => this.#running.delete(plan.id));
  }

  /** An archive that does not answer is waited for; all else is for a person. */
  async #follow(running: Running, given: OpenedReplay | null): Promise<void> {
    const { clock, random, log } = this.#parts;
    const { plan } = running;
    const signal = AbortSignal.any([this.#closing.signal, running.cancelling.signal]);
    const backoff = new Backoff(this.#limits.run.source.retry, clock, random);
    let opened = given;
    while (!signal.aborted) {
      try {
        await this.#apply(running, opened ?? (await this.#open(plan, signal)), signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const { code, message, reaction } = asJourneyGraphError(error);
        const fields = { backfill: plan.id, topic: plan.topic, code };
        if (reaction !== 'outage') {
          log.error(fields, `A backfill has stopped; everything else goes on. ${message}`);
          throw error;
        }
        log.warn(fields, `A backfill waits: ${message}`);
        await backoff.wait(signal);
      } finally {
        opened = null;
      }
    }
  }

  async #apply(running: Running, opened: OpenedReplay, signal: AbortSignal): Promise<void> {
    const { plan } = running;
    const { reader, objects, processor } = opened.archive;
    const { writes, graph } = opened.target;
    const { journal, rate, inFlight, clock, random, log } = this.#parts;
    const deadLetters = plan.into === 'live' ? this.#parts.deadLetters(plan.topic) : noLetters;
    try {
      await allSaid(running);
      running.run = new BackfillRun(
        {
          ...{ plan, reader, objects, processor, journal, deadLetters, writes, graph, rate, inFlight },
          ...{ clock, random, log },
        },
        this.#limits.run,
      );
      await running.run.run(signal);
      running.isEnding = true;
    } catch (error) {
      running.isEnding = asJourneyGraphError(error).reaction !== 'outage';
      throw error;
    } finally {
      running.run = null;
      await deadLetters.close();
      await opened.close();
    }
  }

  #open(plan: BackfillPlan, signal: AbortSignal): Promise<OpenedReplay> {
    const { archive, topic, snapshotId, filter, into } = plan;
    const byTime = filter.fromMs !== null || filter.untilMs !== null;
    return openReplay(
      () => this.#parts.target(into),
      () => this.#parts.open({ archive, topic, snapshotId, byTime }, signal),
    );
  }
}

/** Nothing that was said is still on its way: between this and the next statement nobody has a turn. */
async function allSaid(running: Running): Promise<void> {
  for (let said: Promise<void> | null = null; said !== running.said; ) {
    said = running.said;
    await Promise.allSettled([said]);
  }
}

/** Two that would fence each other for ever. */
function isSameLife(one: BackfillPlan, other: BackfillPlan): boolean {
  if (one.into === 'live' || other.into === 'live' || one.into.shadow !== other.into.shadow) return false;
  const [a, b] = [one.identity, other.identity];
  return a !== null && b !== null && a.cluster === b.cluster && a.topicId === b.topicId;
}

/** A run that has just begun knows nothing but what the one before it left. */
function progressOf(run: BackfillRun): BackfillProgress {
  const progress = run.progress();
  const isOld = progress.state === 'failed' || progress.state === 'planned';
  return isOld ? { ...progress, state: 'running', failure: null } : progress;
}
