import { ByteReader, decodeStepValue, type StepValue } from './codec.ts';
import type { JourneyPage, JourneyRows, PackedStep, StepView, TimePosition } from './graph-store.ts';
import { type OriginRow, readLineage } from './lineage.ts';
import type { NodeRef } from './model.ts';

type OriginOf = (id: number) => OriginRow | null;

/** What all rows of one page have in common. */
export interface StepRowsOf {
  readonly owner: NodeRef;
  /** Where the event key begins in each key. */
  readonly keyAt: number;
  readonly originOf: OriginOf;
}

/** A step as its row has it: nothing is decoded before somebody looks. */
export class StoredStep implements PackedStep {
  readonly value: Buffer;
  /** Where in `value` the step begins, behind its lineage. */
  readonly at: number;
  readonly #key: Buffer;
  readonly #page: StepRowsOf;
  #decoded: StepValue | null = null;

  constructor(key: Buffer, value: Buffer, at: number, page: StepRowsOf) {
    this.value = value;
    this.at = at;
    this.#key = key;
    this.#page = page;
  }

  /** The same step with other links, its lineage as before. */
  withValue(value: Buffer): StoredStep {
    return new StoredStep(this.#key, value, this.at, this.#page);
  }

  get timeMs(): number {
    return Number.MAX_SAFE_INTEGER - new ByteReader(this.#key, this.#page.keyAt).time();
  }

  position(): TimePosition {
    return new ByteReader(this.#key, this.#page.keyAt).eventKey();
  }

  decoded(): StepValue {
    this.#decoded ??= decodeStepValue(new ByteReader(this.value, this.at));
    return this.#decoded;
  }

  view(): StepView {
    const { owner, originOf } = this.#page;
    const { timeMs, occurrence } = this.position();
    const { domain, action, links, properties } = this.decoded();
    const lineage = readLineage(new ByteReader(this.value), originOf);
    return { owner, timeMs, occurrence, domain, action, links, properties, lineage };
  }
}

/** A page of rows that are shown as they lie. */
export class PackedJourney implements JourneyRows {
  readonly rows: readonly StoredStep[];
  readonly scanned: number;
  readonly more: boolean;
  readonly truncated: boolean;
  readonly last: JourneyPage['last'];
  #steps: readonly StepView[] | null = null;

  constructor(rows: readonly StoredStep[], page: Omit<JourneyPage, 'steps'>) {
    this.rows = rows;
    this.scanned = page.scanned;
    this.more = page.more;
    this.truncated = page.truncated;
    this.last = page.last;
  }

  steps(): readonly StepView[] {
    this.#steps ??= this.rows.map((row) => row.view());
    return this.#steps;
  }
}

/** What `journey` answers, for whoever takes rows: of engines that have none, and of callers who may not see all of a row. */
export function journeyRowsOf({ steps, ...page }: JourneyPage): JourneyRows {
  return { ...page, rows: null, steps: () => steps };
}

/** Of a page that is asked for in objects. */
export function journeyPageOfRows(page: JourneyRows): JourneyPage {
  const { scanned, more, truncated, last } = page;
  return { steps: page.steps(), scanned, more, truncated, last };
}
