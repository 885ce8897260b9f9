import { encodeCount } from './codec.ts';
import type { Moment } from './leveldb-moment.ts';
import { tombstoneKeyOf } from './rows.ts';
import { StepParts } from './step-parts.ts';
import type { StoredStep } from './step-rows.ts';
import { TextCache } from './text-cache.ts';

/** Goes from row to row; nothing is kept in it while tombstones are waited for. */
const parts = new StepParts();
const types = new TextCache();

/**
 * The rows of a page without the links that lead to nodes hidden at `moment`. A row none of whose links is hidden stays as it lies; of any other a copy is
 * made, which is a row like all others: whoever takes bytes and whoever takes objects see the same.
 *
 * No object is made of a link, and tombstones are looked up of those types only of which a node was ever deleted, all of a page at once and each once.
 */
export async function withoutHiddenLinks(
  rows: readonly StoredStep[],
  moment: Moment,
): Promise<readonly StoredStep[]> {
  const doubts = new Doubts(moment);
  for (const row of rows) doubts.add(row);
  const deletedMs = await doubts.deletedMs();
  if (deletedMs.size === 0 && !doubts.someExpired) return rows;
  return rows.map((row) => {
    const kept = keptLinks(row, moment, deletedMs);
    return kept === null ? row : row.withValue(withLinks(kept));
  });
}

/** What has to be known of the links of a page. */
class Doubts {
  /** That a type's time to live hides some link. */
  someExpired = false;
  readonly #moment: Moment;
  /** By the names of nodes. Bounded by the page. */
  readonly #keys = new Map<string, Buffer>();

  constructor(moment: Moment) {
    this.#moment = moment;
  }

  add(row: StoredStep): void {
    const { expiry, deleted } = this.#moment;
    const { timeMs } = row;
    parts.of(row);
    while (parts.nextLink()) {
      const type = linkedType();
      if (timeMs <= expiry.ofNode(type)) this.someExpired = true;
      else if (deleted.nodes.has(type)) this.#addName(linkedName());
    }
  }

  /** When each of them was deleted that was. */
  async deletedMs(): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    if (this.#keys.size === 0) return found;
    const times = await this.#moment.tombstones([...this.#keys.values()]);
    for (const [i, name] of [...this.#keys.keys()].entries()) {
      const timeMs = times[i] ?? -1;
      if (timeMs >= 0) found.set(name, timeMs);
    }
    return found;
  }

  #addName(name: string): void {
    if (this.#keys.has(name)) return;
    this.#keys.set(name, tombstoneKeyOf(parts.bytes, parts.nodeType.start, parts.link.end));
  }
}

/** Null when all links are kept. */
function keptLinks(
  row: StoredStep,
  { expiry, deleted }: Moment,
  deletedMs: ReadonlyMap<string, number>,
): readonly Buffer[] | null {
  const { timeMs } = row;
  const kept: Buffer[] = [];
  let links = 0;
  parts.of(row);
  for (; parts.nextLink(); links += 1) {
    const type = linkedType();
    const ofNode = deleted.nodes.has(type) ? deletedMs.get(linkedName()) : undefined;
    if (timeMs > Math.max(expiry.ofNode(type), ofNode ?? -1))
      kept.push(parts.bytes.subarray(parts.link.start, parts.link.end));
  }
  return kept.length === links ? null : kept;
}

/** The row that `parts` is at, with these links in place of its own. */
function withLinks(links: readonly Buffer[]): Buffer {
  const { bytes, links: before } = parts;
  return Buffer.concat([
    bytes.subarray(0, before.start),
    encodeCount(links.length),
    ...links,
    bytes.subarray(before.end),
  ]);
}

function linkedType(): string {
  return types.get(parts.bytes, parts.nodeType.start, parts.nodeType.end);
}

/** As latin1 text: of two nodes it differs, whatever their ids are. */
function linkedName(): string {
  return parts.bytes.toString('latin1', parts.nodeType.start, parts.link.end);
}
