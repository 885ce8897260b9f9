import type { ArchivePlace, ArchiveReader, ObjectStore } from '../../archive/index.ts';
import { type Clock, type Log, type Random, RefusedError, StopError } from '../../foundation/index.ts';
import type { Fates, GraphReader, SourceStatus, StoreWriter } from '../../graph-store/index.ts';
import type { DeadLetterWriter } from '../dead-letters.ts';
import { asJourneyGraphError } from '../error-classifier.ts';
import type { InFlightBudget } from '../in-flight-budget.ts';
import { Pipeline, type PipelineLimits } from '../pipeline.ts';
import { addFates, noFates } from '../pipeline-status.ts';
import type { RecordProcessor } from '../record-processor.ts';
import { ArchiveSource, type ArchiveSourceLimits, type Cut } from './archive-source.ts';
import {
  type BackfillJournal,
  type JournalEntry,
  type JournalState,
  plannedEntry,
} from './backfill-journal.ts';
import type { BackfillPlan } from './backfill-plan.ts';
import { type BackfillProgress, RateMeter, rowsDone, rowsOf } from './backfill-progress.ts';
import { fatesSince, lifeIn, sumOf } from './life-fates.ts';
import { endOf } from './merged-rows.ts';
import { PauseGate } from './pause-gate.ts';
import { checkFiles, checkRefusals } from './plan-check.ts';
import { PlannedProcessor } from './planned-processor.ts';
import type { RateBudget } from './rate-budget.ts';

export interface BackfillParts {
  readonly plan: BackfillPlan;
  readonly reader: ArchiveReader;
  /** Where the files' sizes are asked for at the start; null where the archive's own list is enough. */
  readonly objects: Pick<ObjectStore, 'size'> | null;
  readonly journal: BackfillJournal;
  readonly processor: RecordProcessor;
  readonly deadLetters: DeadLetterWriter;
  /** Of the graph that the plan is for: the one that live pipelines write through, or a shadow's. */
  readonly writes: StoreWriter;
  readonly graph: Pick<GraphReader, 'sources'>;
  readonly rate: RateBudget;
  /** Its own: what live pipelines hand to the store must not wait behind history's. */
  readonly inFlight: InFlightBudget;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface BackfillLimits {
  readonly source: ArchiveSourceLimits;
  readonly pipeline: PipelineLimits;
  /** How often the count of rows is written down, milliseconds: so much is counted, not applied, once more after a kill. */
  readonly journalMs: number;
}

/**
 * One plan on its way into a graph. Its position is the store's and moves with the mutations, so it is resumed to the row after
 * whatever ended it; the journal beside it has what a person said (paused, cancelled) and what was counted.
 */
export class BackfillRun {
  readonly #parts: BackfillParts;
  readonly #limits: BackfillLimits;
  readonly #gate: PauseGate;
  readonly #meter: RateMeter;
  readonly #cancelling = new AbortController();
  readonly #places = new Map<number, ArchivePlace>();
  #entry: JournalEntry | null = null;
  #cuts = new Map<number, Cut>();
  #pipeline: Pipeline | null = null;
  /** Of the runs before this one. */
  #fatesEarlier: Fates = noFates;
  /** What the store had counted before the plan first ran; null before that is known. */
  #fatesBefore: Fates | null = null;
  #activeSinceMs: number | null = null;
  #running: Promise<void> | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: BackfillParts, limits: BackfillLimits) {
    this.#parts = parts;
    this.#limits = limits;
    this.#gate = new PauseGate(parts.rate);
    this.#meter = new RateMeter(parts.clock);
  }

  /**
   * Resolves when all is durable and was counted, when it was cancelled, or soon after `signal` aborted: then it goes on with the next run, paused
   * if it was. One that is done resolves at once. Called once.
   *
   * @throws {RefusedError} when the plan may not run, `BACKFILL_CANCELLED` among the reasons; nothing was changed.
   * @throws {StopError} when a person has to act: what was applied stays, and a next run goes on behind it.
   * @throws {OutageError} when the archive cannot be looked at to begin with.
   */
  run(signal: AbortSignal): Promise<void> {
    this.#running ??= this.#run(signal);
    return this.#running;
  }

  /** Durable when it resolves: a next process begins paused. What was read goes on its way into the graph. */
  async pause(): Promise<void> {
    const { state } = await this.#load();
    if (state === 'done' || state === 'cancelled') return;
    this.#gate.pause();
    await this.#change('paused');
  }

  async resume(): Promise<void> {
    const { state } = await this.#load();
    if (state === 'paused') await this.#change(this.#running === null ? 'planned' : 'running');
    this.#meter.clear();
    this.#gate.resume();
  }

  /** For good. What was applied stays: events are never taken out of a graph. */
  async cancel(): Promise<void> {
    const { state } = await this.#load();
    if (state === 'done' || state === 'cancelled') return;
    this.#cancelling.abort();
    // Its own caller hears how it ended.
    if (this.#running !== null) await this.#running.then(noop, noop);
    if ((await this.#load()).state !== 'done') await this.#change('cancelled');
  }

  progress(): BackfillProgress {
    const { plan, rate } = this.#parts;
    const { id, topic, rows: rowsTotal } = plan;
    const entry = this.#entry ?? plannedEntry;
    const done = entry.state === 'done' ? rowsTotal : rowsDone(plan, this.#cuts.values());
    const { read, duplicates, outside } = rowsOf(this.#cuts.values());
    const isActive = this.#activeSinceMs !== null;
    const perSecond = isActive ? this.#meter.perSecond(done) : 0;
    const yieldsTo = isActive && !this.#gate.isPaused ? rate.yieldsTo : null;
    return {
      id,
      topic,
      state: entry.state === 'running' && yieldsTo !== null ? 'yielding' : entry.state,
      yieldsTo,
      failure: entry.failure,
      rowsDone: done,
      rowsTotal,
      rowsPerSecond: perSecond,
      etaMs: perSecond > 0 ? ((rowsTotal - done) / perSecond) * 1_000 : null,
      activeMs: this.#activeMs(entry),
      fates: this.#fates(),
      duplicates,
      outside: entry.state === 'done' ? rowsTotal - read : Math.min(outside, rowsTotal - read),
      at: [...this.#places].sort(([a], [b]) => a - b).map(([, place]) => place),
    };
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { plan } = this.#parts;
    const entry = await this.#load();
    if (entry.state === 'cancelled')
      throw new RefusedError(
        'BACKFILL_CANCELLED',
        `The backfill ${plan.id} was cancelled: plan it anew with another --repeat to apply it after all.`,
      );
    if (entry.state === 'done') {
      this.#fatesEarlier = entry.fates;
      return;
    }
    checkRefusals(plan);
    await this.#begin(entry);
    // Decided in its turn: what a person says meanwhile is not written over.
    await this.#change((state) => (state === 'paused' ? state : 'running'));
    if ((await this.#load()).state === 'paused') this.#gate.pause();
    const ending = AbortSignal.any([signal, this.#cancelling.signal]);
    try {
      await this.#apply(ending);
      if (ending.aborted) return;
      this.#checkConserved(await this.#stored());
    } catch (error) {
      const { code, message, reaction } = asJourneyGraphError(error);
      // An outage is waited for by whoever runs it: what was paused stays so, and what ran goes on after a restart.
      if (reaction !== 'outage') await this.#change('failed', { code, message });
      throw error;
    }
    await this.#change('done');
    this.#parts.log.info({ ...this.progress(), at: undefined }, 'A backfill is done.');
  }

  /** Positions of a topic's own may have been moved by others before; those of a store that was put back to an older copy, or dropped, count less. */
  async #begin(entry: JournalEntry): Promise<void> {
    const stored = sumOf(await this.#stored());
    const known = entry.fatesBefore ?? (this.#parts.plan.identity === null ? noFates : stored);
    const fatesBefore = known.consumed > stored.consumed ? noFates : known;
    this.#fatesEarlier = fatesSince(fatesBefore, stored);
    this.#fatesBefore = fatesBefore;
  }

  #fates(): Fates {
    return addFates(this.#fatesEarlier, this.#pipeline?.status().fatesSinceStart ?? noFates);
  }

  async #apply(signal: AbortSignal): Promise<void> {
    const { plan, reader, objects, clock, random, log, inFlight, deadLetters, writes } = this.#parts;
    await checkFiles(plan, reader, objects, signal);
    const source = new ArchiveSource(
      {
        ...{ plan, reader, clock, random, budget: this.#gate, cuts: this.#cuts },
        observer: {
          durable: (partition, cut) => this.#durable(partition, cut),
          reading: (partition, place) => void this.#places.set(partition, place),
        },
      },
      this.#limits.source,
    );
    const processor = new PlannedProcessor(this.#parts.processor, plan);
    this.#pipeline = new Pipeline(
      {
        ...{ source, processor, clock, random, log, freshness: null, budget: inFlight },
        ...{ deadLetters, store: writes },
      },
      this.#limits.pipeline,
    );
    this.#activeSinceMs = clock.now();
    this.#meter.note(rowsDone(plan, this.#cuts.values()));
    const ended = new AbortController();
    const journaled = this.#keepJournal(ended.signal);
    try {
      await this.#pipeline.run(signal);
    } finally {
      ended.abort();
      await journaled;
    }
  }

  #durable(partition: number, cut: Cut): void {
    this.#cuts.set(partition, cut);
    this.#meter.note(rowsDone(this.#parts.plan, this.#cuts.values()));
  }

  /** A count that is not written is counted again after a kill; so a disk that is full ends nothing here. */
  async #keepJournal(signal: AbortSignal): Promise<void> {
    const { clock, log, plan } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(this.#limits.journalMs, signal);
      try {
        await this.#change(null);
      } catch (error) {
        log.warn({ backfill: plan.id, error }, 'The count of a backfill could not be written down.');
      }
    }
    this.#entry = { ...(await this.#load()), activeMs: this.#activeMs(await this.#load()) };
    this.#activeSinceMs = null;
  }

  async #load(): Promise<JournalEntry> {
    if (this.#entry === null) {
      const entry = await this.#parts.journal.entry(this.#parts.plan.id);
      // Who came meanwhile has read the same.
      this.#entry ??= entry;
      if (this.#cuts.size === 0) this.#cuts = new Map(entry.cuts);
    }
    return this.#entry;
  }

  /** One write after the other; null leaves the state as it is, a function decides by the one before when its turn has come. */
  #change(
    state: JournalState | null | ((before: JournalState) => JournalState),
    failure: JournalEntry['failure'] = null,
  ): Promise<void> {
    const write = async (): Promise<void> => {
      const { clock, journal, plan } = this.#parts;
      const before = await this.#load();
      const entry: JournalEntry = {
        state: (typeof state === 'function' ? state(before.state) : state) ?? before.state,
        failure: state === null ? before.failure : failure,
        changedMs: clock.now(),
        activeMs: this.#activeMs(before),
        fates: this.#fates(),
        fatesBefore: this.#fatesBefore ?? before.fatesBefore,
        cuts: new Map(this.#cuts),
      };
      await journal.write(plan.id, entry);
      this.#entry = { ...entry, activeMs: before.activeMs };
    };
    const written = this.#writing.then(write);
    this.#writing = written.then(noop, noop);
    return written;
  }

  #activeMs({ activeMs }: JournalEntry): number {
    return activeMs + (this.#activeSinceMs === null ? 0 : this.#parts.clock.now() - this.#activeSinceMs);
  }

  async #stored(): Promise<readonly SourceStatus[]> {
    return lifeIn(this.#parts.plan, await this.#parts.graph.sources());
  }

  /** The store's own counts against the reader's: that no row of the plan was lost or counted twice. */
  #checkConserved(stored: readonly SourceStatus[]): void {
    const { plan } = this.#parts;
    const before = this.#fatesBefore ?? noFates;
    const { consumed, applied, superseded, filtered, deadLettered } = fatesSince(before, sumOf(stored));
    const { read, duplicates } = rowsOf(this.#cuts.values());
    const behind = plan.life.filter(({ partition }) => {
      const next = stored.find(({ source }) => source.partition === partition)?.next ?? 0n;
      return next < endOf(plan.files.filter((file) => file.partition === partition));
    });
    const isFated = consumed === applied + superseded + filtered + deadLettered;
    // Rows that others had applied were read, too.
    const isCounted = before.consumed > 0 || consumed === read - duplicates;
    if (behind.length === 0 && isFated && isCounted && read <= plan.rows) return;
    const message =
      `The backfill ${plan.id} does not add up: of ${plan.rows} rows ${read} were read, ${duplicates} of them duplicates, and ${consumed} consumed, ` +
      `of which ${applied} applied, ${superseded} superseded, ${filtered} filtered and ${deadLettered} dead-lettered; ${behind.length} partitions are not at their end. Please report it.`;
    throw new StopError('BACKFILL_NOT_CONSERVED', message, { context: { topic: plan.topic } });
  }
}

function noop(): void {
  return;
}
