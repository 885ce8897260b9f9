import type { Clock } from '../../foundation/index.ts';
import type { GraphReader } from '../../graph-store/index.ts';
import { type ExplainedCondition, explainMember } from './audience-explanation.ts';
import { planAudience, type Sizes } from './audience-plan.ts';
import type { AudienceRow } from './audience-rows.ts';
import type { AudienceStore } from './audience-store.ts';
import { AudienceRun, type Progress, type RunParts } from './candidates.ts';
import type { Condition, Definition, Did } from './condition.ts';
import { idsAtOnceMax, Membership } from './membership.ts';
import type { TargetNodes } from './target-nodes.ts';
import { Turns } from './turns.ts';

/** Of a run that somebody else began, which may end it. */
export interface SegmentRun {
  readonly reader: GraphReader;
  readonly signal: AbortSignal;
  /** What it ends with when the signal aborts. */
  readonly abandoned: () => Error;
}

export interface SegmentParts {
  readonly store: AudienceStore;
  readonly clock: Clock;
  /** Throws RefusedError (AUDIENCE_UNKNOWN, AUDIENCE_NOT_READY). */
  readonly rowOf: (audience: string) => AudienceRow;
  readonly runParts: (
    reader: GraphReader,
    definition: Definition,
    turns: Turns,
    progress: Progress,
  ) => Promise<Omit<RunParts, 'budget'>>;
  readonly sizes: (
    reader: GraphReader,
    definition: Definition,
    targets: ReadonlyMap<Did, TargetNodes>,
  ) => Promise<Sizes>;
}

/**
 * What is asked of the members of a frozen audience, many at once: who of them holds a condition now, and their positions: a member's place among all of them, from 0,
 * which never changes and is dense, unlike its number.
 */
export class AudienceSegments {
  readonly #parts: SegmentParts;

  constructor(parts: SegmentParts) {
    this.#parts = parts;
  }

  /**
   * Members for whom it holds, each once, some hundreds at a time: by whichever side is cheapest, as an audience is frozen. Throws RefusedError
   * (AUDIENCE_UNKNOWN, AUDIENCE_TARGETS_TOO_MANY, AUDIENCE_TOO_LARGE) and what `abandoned` makes.
   */
  async *holding(audience: string, condition: Condition, run: SegmentRun): AsyncGenerator<readonly string[]> {
    const { memberType } = this.#parts.rowOf(audience);
    const where: Condition = { kind: 'all', of: [{ kind: 'audience', id: audience }, condition] };
    const definition = { memberType, where };
    const turns = this.#turns(run);
    const parts = await this.#parts.runParts(run.reader, definition, turns, newProgress());
    const plan = planAudience(where, await this.#parts.sizes(run.reader, definition, parts.targets));
    yield* new AudienceRun({ ...parts, budget: null }).members(plan);
  }

  /**
   * The first of the conditions that holds for each of `ids`; null where none does, and of members that are gone. What is asked of targets is asked once for all ids, and
   * of members only what those before left open.
   */
  async firstHolding(
    memberType: string,
    conditions: readonly Condition[],
    ids: readonly string[],
    run: SegmentRun,
  ): Promise<readonly (number | null)[]> {
    const where: Condition = { kind: 'any', of: conditions };
    const turns = this.#turns(run);
    const parts = await this.#parts.runParts(run.reader, { memberType, where }, turns, newProgress());
    const membership = new Membership({ ...parts, sets: new Map() });
    const first = new Map<string, number>();
    for (let at = 0; at < ids.length; at += idsAtOnceMax) {
      let left = await membership.existing(ids.slice(at, at + idsAtOnceMax));
      for (const [i, condition] of conditions.entries()) {
        for (const id of await membership.holding(condition, left)) first.set(id, i);
        left = left.filter((id) => !first.has(id));
      }
    }
    return ids.map((id) => first.get(id) ?? null);
  }

  /** A condition and its parts as they are now for one member. */
  async explain(
    memberType: string,
    condition: Condition,
    memberId: string,
    run: SegmentRun,
  ): Promise<readonly ExplainedCondition[]> {
    const definition = { memberType, where: condition };
    const parts = await this.#parts.runParts(run.reader, definition, this.#turns(run), newProgress());
    return (await explainMember(parts, definition, memberId, false)).conditions;
  }

  /** Null of whoever is no member. Throws RefusedError AUDIENCE_UNKNOWN. */
  async positionsOf(audience: string, ids: readonly string[]): Promise<readonly (number | null)[]> {
    const { memberType } = this.#parts.rowOf(audience);
    return await this.#parts.store.positionsOf(audience, memberType, ids);
  }

  /** Of members that are there. Throws RefusedError AUDIENCE_UNKNOWN. */
  async idsAt(audience: string, positions: readonly number[]): Promise<readonly string[]> {
    return (await this.#parts.store.membersAt(audience, positions)).map(({ id }) => id);
  }

  #turns({ signal, abandoned }: SegmentRun): Turns {
    const turns = new Turns(this.#parts.clock, signal, abandoned);
    turns.check();
    return turns;
  }
}

function newProgress(): Progress {
  return { scanned: 0, candidates: 0, members: 0 };
}
