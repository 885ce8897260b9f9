import { must, RefusedError, unreachable } from '../../foundation/index.ts';
import { type PackedIds, packIds } from '../../graph-store/index.ts';
import type { AudiencePlan, Source } from './audience-plan.ts';
import type { Did } from './condition.ts';
import { IdShards } from './id-shards.ts';
import { BudgetUsedUp, idsAtOnceMax, keeperOf, Membership, type MembershipParts } from './membership.ts';
import { SharedReads } from './shared-reads.ts';
import { inOrder } from './turns.ts';

/** Rows of a target's edges in one answer. */
const endsPageRows = 4096;
/** Targets whose edges are read at once. */
const targetsAtOnce = 4;
/** Groups of candidates that are checked at once: with fewer the threads that read wait for the one that decodes, and it for them. */
const checksAtOnce = 8;

/**
 * Ids that one run holds at a time, over all of its conditions, for each member that an audience may have: candidates, and as many to tell them apart. A
 * condition of many parts over a whole graph would take as many times the memory otherwise.
 */
const idsHeldPerMember = 2;

/** What one run may look at; null of a run that is as long as it takes. */
export interface RunBudget {
  rows: number;
  candidates: number;
}

export interface RunParts extends Omit<MembershipParts, 'sets' | 'reads'> {
  readonly candidatesMax: number;
  /** Every member of a frozen audience. */
  readonly membersOf: (audience: string) => AsyncIterable<readonly string[]>;
  readonly budget: RunBudget | null;
  /** Rows and candidates of a run without a budget after which a second thread takes a share. */
  readonly secondThreadAfter: number;
  /** Of work under way, for whoever waits. */
  readonly progress: Progress;
}

export interface Progress {
  /** Rows looked at. */
  scanned: number;
  candidates: number;
  members: number;
}

/** Carries a plan out. */
export class AudienceRun {
  readonly #parts: RunParts;
  /** All that were made: what they hold together is bounded. */
  readonly #held: IdShards[] = [];
  readonly #reads: SharedReads;
  #membership: Membership;

  constructor(parts: RunParts) {
    this.#parts = parts;
    // What has a budget is over before a second thread would have begun.
    const after = parts.budget === null ? parts.secondThreadAfter : null;
    this.#reads = new SharedReads(parts.reader.bulk, after);
    this.#membership = this.#membershipWith(new Map());
  }

  get cutShort(): number {
    return this.#membership.cutShort;
  }

  /**
   * The members, each once, some hundreds at a time. Throws RefusedError AUDIENCE_TOO_LARGE when there are more candidates than one
   * audience may have, or more ids to be held for all of its conditions, and {@link BudgetUsedUp}. Asked once.
   */
  async *members(plan: AudiencePlan): AsyncGenerator<readonly string[]> {
    await using _reads = this.#reads;
    const sets = new Map<Did, IdShards>();
    for (const did of plan.sets) sets.set(did, await this.#ends([did]));
    this.#membership = this.#membershipWith(sets);
    const { check } = plan;
    const checked = inOrder(this.#candidates(plan.source), checksAtOnce, async (ids) => {
      this.#spend(0, ids.length);
      return check === null ? ids : await this.#membership.holding(check, ids);
    });
    for await (const ids of checked) {
      this.#parts.progress.members += ids.length;
      if (this.#parts.progress.members > this.#parts.candidatesMax) throw tooLarge(this.#parts.candidatesMax);
      if (ids.length > 0) yield ids;
    }
  }

  #membershipWith(sets: ReadonlyMap<Did, IdShards>): Membership {
    return new Membership({ ...this.#parts, sets, reads: this.#reads });
  }

  /** Distinct, `idsAtOnceMax` at a time at most. */
  async *#candidates(source: Source): AsyncGenerator<readonly string[]> {
    switch (source.kind) {
      case 'scan':
        yield* this.#scan();
        return;
      case 'audience':
        for await (const ids of this.#parts.membersOf(source.id)) yield await this.#there(ids);
        return;
      case 'ends':
        yield* (await this.#ends([source.did])).drain(source.did.atLeast);
        return;
      case 'union':
        yield* (await this.#union(source)).drain();
        return;
      default:
        unreachable(source);
    }
  }

  async #union(source: Extract<Source, { kind: 'union' }>): Promise<IdShards> {
    const found = this.#shards();
    const dids: Did[] = [];
    for (const one of source.of) {
      if (one.kind === 'ends' && one.did.atLeast === 1) dids.push(one.did);
      else for await (const ids of this.#candidates(one)) this.#addAll(found, this.#packed(ids));
    }
    return await this.#ends(dids, found);
  }

  /** A member that only was frozen may be gone since. */
  async #there(ids: readonly string[]): Promise<readonly string[]> {
    return await this.#membership.existing(ids);
  }

  async *#scan(): AsyncGenerator<readonly string[]> {
    const { reader, memberType, turns, progress } = this.#parts;
    for (let after: Uint8Array | null = null; ; ) {
      await turns.giveWay();
      const page = await reader.bulk.scan({ type: memberType, after, limit: idsAtOnceMax });
      progress.scanned += page.ids.length;
      yield await this.#there(page.ids);
      if (page.next === null) return;
      after = page.next;
    }
  }

  /** From the targets' side: all of their edges, newest first. */
  async #ends(dids: readonly Did[], found = this.#shards()): Promise<IdShards> {
    const targets = dids.flatMap((did) =>
      [...must(this.#parts.targets.get(did), 'targets are found before').byType].flatMap(([type, ids]) =>
        [...must(ids, 'nobody begins at any node')].map((id) => ({ did, of: { type, id } })),
      ),
    );
    // What has a budget is asked for little: more at once would spend it on what nobody needs.
    const atOnce = this.#parts.budget === null ? targetsAtOnce : 1;
    const read = inOrder(targets, atOnce, ({ did, of }) => this.#endsOf(did, of, found));
    for await (const _ of read) this.#parts.turns.check();
    return found;
  }

  async #endsOf(
    did: Did,
    of: { readonly type: string; readonly id: string },
    found: IdShards,
  ): Promise<void> {
    const { memberType, turns, progress } = this.#parts;
    const { edge, direction, sinceMs, untilMs } = did;
    const keep = keeperOf(did);
    for (let after: Uint8Array | null = null; ; ) {
      await turns.giveWay();
      const page = await this.#reads.packedFarEnds({
        of,
        type: edge,
        direction: direction === 'out' ? 'in' : 'out',
        farType: memberType,
        sinceMs,
        untilMs,
        after,
        scanMax: Math.min(endsPageRows, Math.max(1, this.#parts.budget?.rows ?? endsPageRows)),
        keep,
      });
      progress.scanned += page.scanned;
      this.#addAll(found, page.ids);
      if (page.next === null) return this.#spend(page.scanned, 0);
      after = page.next;
      this.#spend(page.scanned, 0);
    }
  }

  #packed(ids: readonly string[]): PackedIds {
    return packIds(this.#parts.memberType, ids);
  }

  #shards(): IdShards {
    const shards = new IdShards(this.#parts.memberType);
    this.#held.push(shards);
    return shards;
  }

  #addAll(found: IdShards, ids: PackedIds): void {
    const { candidatesMax, progress } = this.#parts;
    found.add(ids);
    progress.candidates = Math.max(progress.candidates, found.size);
    if (found.size > candidatesMax) throw tooLarge(candidatesMax);
    const heldMax = candidatesMax * idsHeldPerMember;
    if (this.#held.reduce((sum, { size }) => sum + size, 0) > heldMax) throw tooManyHeld(heldMax);
  }

  #spend(rows: number, candidates: number): void {
    const { budget } = this.#parts;
    if (budget === null) return;
    budget.rows -= rows;
    budget.candidates -= candidates;
    if (budget.rows < 0 || budget.candidates < 0) throw new BudgetUsedUp();
  }
}

export function tooLarge(candidatesMax: number): RefusedError {
  return new RefusedError(
    'AUDIENCE_TOO_LARGE',
    `More than ${candidatesMax} members have to be looked at; narrow the audience, or raise \`audience.members.max\`.`,
  );
}

function tooManyHeld(heldMax: number): RefusedError {
  return new RefusedError(
    'AUDIENCE_TOO_LARGE',
    `More than ${heldMax} ids of members have to be held at once for all conditions together; ask with fewer conditions or over less time, or raise \`audience.members.max\`.`,
  );
}
