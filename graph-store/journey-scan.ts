import { must } from '../foundation/index.ts';
import { ByteReader, decodeStepValue } from './codec.ts';
import type { JourneyPage, JourneyQuery, StepView, TimePosition } from './graph-store.ts';
import { readLineage, withoutLineage } from './lineage.ts';
import type { OriginOf } from './occurrence-page.ts';
import { isWantedStep } from './wanted-step.ts';

type Step = Omit<StepView, 'lineage'>;

/** A step's row as a database has it. */
export interface StepRow {
  readonly at: TimePosition;
  readonly value: Buffer;
}

/** What of a journey was found, before its links and lineage are looked up. */
export interface StepsFound {
  readonly steps: readonly Step[];
  readonly values: readonly Buffer[];
  readonly scanned: number;
  readonly more: boolean;
  /** The last row looked at. */
  readonly last: TimePosition | null;
}

/** Takes rows in the query's order until it has what was asked for, or has looked at as many as it may. */
export async function scanJourney(
  query: JourneyQuery,
  rows: AsyncIterable<StepRow> | Iterable<StepRow>,
): Promise<StepsFound> {
  const steps: Step[] = [];
  const values: Buffer[] = [];
  let scanned = 0;
  let bytes = 0;
  let last: TimePosition | null = null;
  let more = false;
  for await (const { at, value } of rows) {
    more = steps.length >= query.limit || scanned >= query.scanMax || bytes >= query.bytesMax;
    if (more) break;
    scanned += 1;
    last = at;
    // Without the lineage: the same graph has the same pages.
    const content = withoutLineage(value);
    const step = decodeStepValue(new ByteReader(content));
    if (!isWantedStep(step, query)) continue;
    steps.push({ owner: query.of, ...at, ...step });
    values.push(value);
    bytes += content.length;
  }
  return { steps, values, scanned, more, last };
}

/** `kept` are the steps found, each without the links that lead nowhere any more. */
export function journeyPageOf(
  { limit }: JourneyQuery,
  { values, scanned, more, last }: StepsFound,
  kept: readonly Step[],
  originOf: OriginOf,
): JourneyPage {
  const steps = kept.map((step, i) => ({
    ...step,
    lineage: readLineage(new ByteReader(must(values[i], 'a step has its row')), originOf),
  }));
  return { steps, scanned, more, truncated: more && steps.length < limit, last };
}
