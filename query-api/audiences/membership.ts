import { must, unreachable } from '../../foundation/index.ts';
import { type GraphReader, type Property, readsAtOnceMax } from '../../graph-store/index.ts';
import { holds, type Predicate } from '../where/predicate.ts';
import type { Condition, Did } from './condition.ts';
import type { IdShards } from './id-shards.ts';
import { SharedReads } from './shared-reads.ts';
import type { TargetNodes } from './target-nodes.ts';
import { inOrder, type Turns } from './turns.ts';

/** Members asked at once; the port's own bound is the same. */
export const idsAtOnceMax = readsAtOnceMax;
const probesAtOnce = 4;
/** Of one member's edges, the newest. */
export const probeRowsMax = 10_000;
const probePageRows = 1024;

/** Who of these is a member of what was frozen. */
export type FrozenMembers = (
  audience: string,
  memberType: string,
  ids: readonly string[],
) => Promise<readonly string[]>;

export interface MembershipParts {
  readonly reader: GraphReader;
  readonly memberType: string;
  readonly targets: ReadonlyMap<Did, TargetNodes>;
  /** What was read from the targets' side already. */
  readonly sets: ReadonlyMap<Did, IdShards>;
  readonly frozen: FrozenMembers;
  /** Rows of one member's edges that are looked at. */
  readonly probeRowsMax: number;
  /** Rows of all members' edges together; null of what is as long as it takes. */
  readonly probeBudget: { rows: number } | null;
  readonly turns: Turns;
  /** Of a run that shares its reads with a second thread. */
  readonly reads?: SharedReads;
}

/** The budget was used up before the end: what was found by then says nothing of the rest. */
export class BudgetUsedUp extends Error {}

/** Checks a condition for many members at once, each part only for those that it still depends on. */
export class Membership {
  readonly #parts: MembershipParts;
  readonly #reads: SharedReads;
  #cutShort = 0;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    this.#reads = parts.reads ?? new SharedReads(parts.reader.bulk, null);
  }

  /** Members of whose edges more were there than are looked at, so that one further back may have been missed. */
  get cutShort(): number {
    return this.#cutShort;
  }

  /** Those of `ids` for which it holds, in their order. At most `idsAtOnceMax`. */
  async holding(condition: Condition, ids: readonly string[]): Promise<readonly string[]> {
    if (ids.length === 0) return ids;
    switch (condition.kind) {
      case 'all': {
        let left = ids;
        for (const one of condition.of) left = await this.holding(one, left);
        return left;
      }
      case 'any': {
        const found = new Set<string>();
        for (const one of condition.of) {
          const asked = ids.filter((id) => !found.has(id));
          for (const id of await this.holding(one, asked)) found.add(id);
        }
        return ids.filter((id) => found.has(id));
      }
      case 'not': {
        const found = new Set(await this.holding(condition.of, ids));
        return ids.filter((id) => !found.has(id));
      }
      case 'member':
        return await this.#withProperties(condition.where, ids);
      case 'audience': {
        const found = new Set(await this.#parts.frozen(condition.id, this.#parts.memberType, ids));
        return ids.filter((id) => found.has(id));
      }
      case 'did':
        return await this.#thatDid(condition, ids);
      default:
        return unreachable(condition);
    }
  }

  /** Those that are there at all. */
  async existing(ids: readonly string[]): Promise<readonly string[]> {
    return await this.#withProperties({ kind: 'all', of: [] }, ids);
  }

  /** How often one member did it, as far as rows are looked at; no further than asked for. Throws {@link BudgetUsedUp}. */
  async occurrencesOf(did: Did, id: string): Promise<number> {
    const { reader, memberType, probeRowsMax, targets, turns } = this.#parts;
    const { edge, direction, sinceMs, untilMs, atLeast } = did;
    let found = 0;
    for (const [farType, wanted] of must(targets.get(did), 'targets are found before').byType) {
      let scanned = 0;
      for (let after: Uint8Array | null = null; ; ) {
        turns.check();
        const page = await reader.bulk.farEnds({
          of: { type: memberType, id },
          type: edge,
          direction,
          farType,
          sinceMs,
          untilMs,
          after,
          scanMax: probePageRows,
          keep: keeperOf(did),
        });
        scanned += page.scanned;
        this.#spend(page.scanned);
        for (const far of page.ids) if (wanted === null || wanted.has(far)) found += 1;
        after = page.next;
        if (found >= atLeast) return found;
        if (after === null) break;
        if (scanned >= probeRowsMax) {
          this.#cutShort += 1;
          break;
        }
      }
    }
    return found;
  }

  #spend(rows: number): void {
    const { probeBudget } = this.#parts;
    if (probeBudget === null) return;
    probeBudget.rows -= rows;
    if (probeBudget.rows < 0) throw new BudgetUsedUp();
  }

  async #withProperties(where: Predicate, ids: readonly string[]): Promise<readonly string[]> {
    const { memberType, turns } = this.#parts;
    await turns.giveWay();
    return await this.#reads.holding(memberType, where, ids);
  }

  async #thatDid(did: Did, ids: readonly string[]): Promise<readonly string[]> {
    const { sets, turns } = this.#parts;
    const set = sets.get(did);
    if (set !== undefined) return ids.filter((id) => set.count(id) >= did.atLeast);
    const found: string[] = [];
    const probes = inOrder(ids, probesAtOnce, async (id) => {
      await turns.giveWay();
      return (await this.occurrencesOf(did, id)) >= did.atLeast ? id : null;
    });
    for await (const id of probes) if (id !== null) found.push(id);
    return found;
  }
}

/** Null where every occurrence counts, which spares reading what they say. */
export function keeperOf({ where }: Did): ((properties: readonly Property[]) => boolean) | null {
  if (where === null) return null;
  return (properties) => holds(where, (name) => properties.find(([one]) => one === name)?.[1]);
}
