import { RoaringBitmap32 } from 'roaring-wasm';
import { type Clock, JourneyGraphError, type Log, RefusedError } from '../../foundation/index.ts';
import {
  encodeSource,
  type GraphReader,
  liveSources,
  type NodeRef,
  type SourceStatus,
} from '../../graph-store/index.ts';
import {
  type AroundBuilding,
  type Audience,
  type AudienceUse,
  type FreezeRequest,
  refuseInUse,
  sameOrRefused,
  type Unfinished,
} from './audience.ts';
import { type AudienceExplanation, explainMember } from './audience-explanation.ts';
import { planAudience } from './audience-plan.ts';
import type { AudienceRow } from './audience-rows.ts';
import { AudienceSegments } from './audience-segments.ts';
import { type AudienceStore, notThere } from './audience-store.ts';
import { AudienceRun, type Progress, type RunParts } from './candidates.ts';
import { type Definition, type Did, decodeDefinition, didsOf, encodeDefinition } from './condition.ts';
import { type AudienceEstimate, estimateAudience, estimateLimitsDefault } from './estimate.ts';
import { idsAtOnceMax, probeRowsMax } from './membership.ts';
import { secondThreadAfterDefault } from './shared-reads.ts';
import { rowsOfTargets } from './target-degrees.ts';
import { findTargets, type TargetNodes, targetLimitsDefault } from './target-nodes.ts';
import { freezingAbandoned, requestEnded, Turns } from './turns.ts';

export interface AudiencesParts {
  readonly store: AudienceStore;
  /** How far the graph has come: what is kept of an audience, whoever asked for it and whether or not they may see `status`. */
  readonly sources: () => Promise<readonly SourceStatus[]>;
  readonly clock: Clock;
  readonly log: Log;
  readonly newId: () => string;
  /** Of one audience, candidates included. */
  readonly membersMax: number;
  /** Rows and candidates after which a second thread takes a share of them; {@link secondThreadAfterDefault} when it is not said. */
  readonly secondThreadAfter?: number;
}

interface Job extends Unfinished {
  readonly reader: GraphReader;
  readonly stop: AbortController;
  readonly progress: Progress;
  readonly around: AroundBuilding;
  failure: { readonly code: string; readonly message: string } | null;
  /** It ended, or was deleted before it began. */
  readonly done: PromiseWithResolvers<void>;
}

/** One is built at a time; so many wait. */
const waitingMax = 8;
/** Those that failed are remembered so long as there are no more of them. */
const failedMax = 100;
const estimatesAtOnceMax = 4;
const pageMembersMax = 4096;
/** Somebody waits for the answer. */
const targetLimitsOfQuestion = { ...targetLimitsDefault, rowsMax: 100_000 };

/**
 * Audiences over the graph: asked how large they would be, frozen, read and explained. Every read of the graph goes through the reader of whoever asks.
 * What is being built is lost with the process, and asked for again under its key; what is frozen stays.
 */
export class Audiences {
  readonly #parts: AudiencesParts;
  /** Unfinished ones: under way, waiting, failed. */
  readonly #jobs = new Map<string, Job>();
  /** Begun in this order. */
  readonly #waiting: Job[] = [];
  /** Until none waits; null while nothing is being built. */
  #building: Promise<void> | null = null;
  readonly #uses = new Set<AudienceUse>();
  #estimates = 0;
  #isClosing = false;
  /** What is asked of the members of one that is frozen. */
  readonly segments: AudienceSegments;

  constructor(parts: AudiencesParts) {
    this.#parts = parts;
    const { store, clock } = parts;
    this.segments = new AudienceSegments({
      store,
      clock,
      rowOf: (id) => this.#ready(id),
      runParts: (reader, definition, turns, progress) => this.#runParts(reader, definition, turns, progress),
      sizes: (reader, definition, targets) => this.#sizes(reader, definition, targets, true),
    });
  }

  /** Throws RefusedError (AUDIENCE_TARGETS_TOO_MANY, AUDIENCE_UNKNOWN, AUDIENCES_BUSY; DEADLINE_EXCEEDED when the signal of whoever waits aborts). */
  async estimate(
    reader: GraphReader,
    definition: Definition,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<AudienceEstimate> {
    if (this.#estimates >= estimatesAtOnceMax)
      throw busy(`${estimatesAtOnceMax} audiences are being estimated`);
    this.#estimates += 1;
    try {
      const { clock } = this.#parts;
      const turns = new Turns(clock, signal, requestEnded);
      const parts = await this.#runParts(reader, definition, turns, newProgress(), targetLimitsOfQuestion);
      return await estimateAudience(parts, definition.where, estimateLimitsDefault, clock);
    } finally {
      this.#estimates -= 1;
    }
  }

  /**
   * Begins at once and does not wait. Throws RefusedError: AUDIENCE_KEY_USED, when there is another audience under the key already; AUDIENCES_FULL;
   * AUDIENCES_BUSY.
   */
  freeze(reader: GraphReader, request: FreezeRequest, around: AroundBuilding = (build) => build()): Audience {
    const before = this.#ofKey(request.key);
    if (before !== null) return sameOrRefused(before, request);
    const waiting = [...this.#jobs.values()].filter(({ failure }) => failure === null).length;
    if (this.#isClosing || waiting > waitingMax) throw busy(`${waiting} audiences are being frozen`);
    this.#parts.store.checkRoom(0);
    const { clock, newId } = this.#parts;
    const job: Job = {
      id: newId(),
      request,
      reader,
      beganMs: clock.now(),
      stop: new AbortController(),
      progress: newProgress(),
      around,
      failure: null,
      done: Promise.withResolvers(),
    };
    this.#jobs.set(job.id, job);
    this.#waiting.push(job);
    this.#building ??= this.#buildAll();
    return audienceOf(job);
  }

  /** Waits until it is no longer being built, but no longer than that. */
  async settled(id: string, waitMs: number): Promise<Audience | null> {
    const job = this.#jobs.get(id);
    if (job !== undefined && job.failure === null) {
      const stop = new AbortController();
      await Promise.race([job.done.promise, this.#parts.clock.sleep(waitMs, stop.signal)]);
      stop.abort();
    }
    return this.get(id);
  }

  get(id: string): Audience | null {
    const row = this.#parts.store.get(id);
    if (row !== null) return { state: 'READY', row };
    const job = this.#jobs.get(id);
    return job === undefined ? null : audienceOf(job);
  }

  /** Newest first, unfinished ones before all others. */
  list(): readonly Audience[] {
    const unfinished = [...this.#jobs.values()].reverse().map(audienceOf);
    return [...unfinished, ...this.#parts.store.list().map((row) => ({ state: 'READY', row }) as const)];
  }

  /** What it says is needed is not deleted. Returns how to stop. */
  keepFor(use: AudienceUse): () => void {
    this.#uses.add(use);
    return () => this.#uses.delete(use);
  }

  /** Also of one that is being built: that ends. False when there was none. Throws RefusedError AUDIENCE_IN_USE. */
  async delete(id: string): Promise<boolean> {
    if (this.get(id) === null) return false;
    refuseInUse(id, this.#uses);
    const job = this.#jobs.get(id);
    if (job !== undefined) {
      job.stop.abort();
      const at = this.#waiting.indexOf(job);
      if (at >= 0) {
        this.#waiting.splice(at, 1);
        job.done.resolve();
      }
      await job.done.promise;
      this.#jobs.delete(id);
    }
    return (await this.#parts.store.delete(id)) || job !== undefined;
  }

  /** Throws RefusedError AUDIENCE_UNKNOWN. In the order of their numbers, which never changes; `after` is a number. */
  async page(id: string, after: number | null, first: number): ReturnType<AudienceStore['page']> {
    this.#ready(id);
    return await this.#parts.store.page(id, after, first);
  }

  /** All members, some at a time. Throws RefusedError AUDIENCE_UNKNOWN, also when it is deleted meanwhile. */
  async *members(id: string): AsyncGenerator<readonly NodeRef[]> {
    for (let after: number | null = null; ; ) {
      const page: Awaited<ReturnType<AudienceStore['page']>> = await this.page(id, after, pageMembersMax);
      yield page.members;
      if (!page.more) return;
      after = page.numbers.at(-1) ?? null;
    }
  }

  async contains(id: string, member: NodeRef): Promise<boolean> {
    const row = this.#ready(id);
    if (row.memberType !== member.type) return false;
    return (await this.#parts.store.contains(id, member.type, [member.id])).length === 1;
  }

  /** What was true when it was frozen, and what is now. Throws RefusedError (AUDIENCE_UNKNOWN, AUDIENCE_TARGETS_TOO_MANY, AUDIENCES_BUSY, DEADLINE_EXCEEDED). */
  async explain(
    reader: GraphReader,
    id: string,
    memberId: string,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<AudienceExplanation> {
    const row = this.#ready(id);
    const definition = decodeDefinition(row.definition);
    const isMember = await this.contains(id, { type: definition.memberType, id: memberId });
    // Not counted for its query, as an estimate: so no more of either run at once.
    if (this.#estimates >= estimatesAtOnceMax)
      throw busy(`${estimatesAtOnceMax} audiences are being estimated or explained`);
    this.#estimates += 1;
    try {
      const turns = new Turns(this.#parts.clock, signal, requestEnded);
      const parts = await this.#runParts(reader, definition, turns, newProgress(), targetLimitsOfQuestion);
      return await explainMember(parts, definition, memberId, isMember);
    } finally {
      this.#estimates -= 1;
    }
  }

  /** Ends what is being built and waits for it. Idempotent. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const job of this.#jobs.values()) job.stop.abort();
    await this.#building;
    await this.#parts.store.close();
  }

  #ready(id: string): AudienceRow {
    const row = this.#parts.store.get(id);
    if (row !== null) return row;
    const job = this.#jobs.get(id);
    if (job === undefined) throw notThere(id);
    const what = job.failure === null ? 'is being built' : `failed (${job.failure.code})`;
    throw new RefusedError(
      'AUDIENCE_NOT_READY',
      `Audience ${id} ${what}, so it has no members yet; ask for its \`state\`.`,
    );
  }

  #ofKey(key: string): Audience | null {
    const row = this.#parts.store.ofKey(key);
    if (row !== null) return { state: 'READY', row };
    for (const job of this.#jobs.values()) {
      if (job.request.key !== key) continue;
      // One that failed may be tried again.
      if (job.failure === null) return audienceOf(job);
      this.#jobs.delete(job.id);
    }
    return null;
  }

  async #buildAll(): Promise<void> {
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) {
      await job.around(() => this.#build(job));
      job.done.resolve();
    }
    this.#building = null;
  }

  /** Never rejects: how it ended is the job's state. */
  async #build(job: Job): Promise<void> {
    const { log } = this.#parts;
    const bitmap = new RoaringBitmap32();
    try {
      const row = await this.#frozen(job, bitmap);
      this.#jobs.delete(job.id);
      log.debug({ audience: row.id, size: row.size, tookMs: row.tookMs }, 'An audience was frozen.');
    } catch (error) {
      bitmap.dispose();
      const known = error instanceof JourneyGraphError;
      job.failure = known
        ? { code: error.code, message: error.message }
        : {
            code: 'INTERNAL_SERVER_ERROR',
            message: 'Something failed on our side; the log has it under the id of the audience.',
          };
      log.warn({ audience: job.id, code: job.failure.code, error }, 'An audience was not frozen.');
      this.#forgetFailed();
    }
  }

  async #frozen(job: Job, bitmap: RoaringBitmap32): Promise<AudienceRow> {
    const { clock, store } = this.#parts;
    const { reader } = job;
    const { definition, name, key, askedBy } = job.request;
    const turns = new Turns(clock, job.stop.signal, freezingAbandoned);
    turns.check();
    const sources = await this.#parts.sources();
    const parts = await this.#runParts(reader, definition, turns, job.progress);
    const run = new AudienceRun({ ...parts, budget: null });
    const plan = planAudience(definition.where, await this.#sizes(reader, definition, parts.targets));
    for await (const ids of run.members(plan)) {
      await turns.giveWay();
      bitmap.addMany(await store.numbersOf(definition.memberType, ids, job.progress.candidates));
    }
    turns.check();
    const sourcesAfter = await this.#parts.sources();
    const nowMs = clock.now();
    const row = {
      id: job.id,
      name,
      key,
      memberType: definition.memberType,
      definition: encodeDefinition(definition),
      askedBy,
      frozenAtMs: nowMs,
      tookMs: nowMs - job.beganMs,
      cutShort: run.cutShort,
      sources: positionsOf(sources),
      sourcesAfter: positionsOf(sourcesAfter),
    };
    return await store.put(row, bitmap);
  }

  async #runParts(
    reader: GraphReader,
    definition: Definition,
    turns: Turns,
    progress: Progress,
    limits = targetLimitsDefault,
  ): Promise<Omit<RunParts, 'budget'>> {
    const targets = new Map<Did, TargetNodes>();
    for (const did of didsOf(definition.where))
      targets.set(did, await findTargets(reader, did, limits, turns));
    const { memberType } = definition;
    return {
      reader,
      memberType,
      targets,
      turns,
      progress,
      probeRowsMax,
      probeBudget: null,
      candidatesMax: this.#parts.membersMax,
      secondThreadAfter: this.#parts.secondThreadAfter ?? secondThreadAfterDefault,
      frozen: async (id, type, ids) => {
        return this.#ready(id).memberType === type ? await this.#parts.store.contains(id, type, ids) : [];
      },
      membersOf: (id) => this.#idsOf(id, memberType),
    };
  }

  async *#idsOf(id: string, memberType: string): AsyncGenerator<readonly string[]> {
    if (this.#ready(id).memberType !== memberType) return;
    for await (const members of this.members(id)) {
      for (let at = 0; at < members.length; at += idsAtOnceMax)
        yield members.slice(at, at + idsAtOnceMax).map((one) => one.id);
    }
  }

  async #sizes(
    reader: GraphReader,
    definition: Definition,
    targets: ReadonlyMap<Did, TargetNodes>,
    isChoice?: boolean,
  ): Promise<Parameters<typeof planAudience>[1]> {
    return {
      rowsOf: await rowsOfTargets(reader, definition, targets, isChoice),
      membersOf: (id) => (this.#ready(id).memberType === definition.memberType ? this.#ready(id).size : 0),
    };
  }

  #forgetFailed(): void {
    const failed = [...this.#jobs.values()].filter(({ failure }) => failure !== null);
    for (const { id } of failed.slice(0, Math.max(0, failed.length - failedMax))) this.#jobs.delete(id);
  }
}

function newProgress(): Progress {
  return { scanned: 0, candidates: 0, members: 0 };
}

function audienceOf({ id, request, beganMs, failure, progress }: Job): Audience {
  return failure === null
    ? { state: 'BUILDING', id, request, beganMs, progress }
    : { state: 'FAILED', id, request, beganMs, failure };
}

function busy(what: string): RefusedError {
  return new RefusedError('AUDIENCES_BUSY', `${what} already; ask again when one of them has ended.`);
}

function positionsOf(sources: readonly SourceStatus[]): AudienceRow['sources'] {
  // A replay's position says nothing of how fresh the graph was.
  return liveSources(sources).map(encodeSource);
}
