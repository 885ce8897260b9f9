import type { Figure, Figures } from '../benchmark.ts';
import { Histogram } from '../histogram.ts';
import { type ReadCost, type ReadData, type ReadName, type ReadTarget, subjectOf } from './read-target.ts';

export interface ReadWork {
  /** Of each query with one caller, and again with {@link callers}; a tenth of it, before, is not counted. */
  readonly seconds: number;
  readonly queriesMax: number;
}

export const callers = 8;

interface Asked {
  readonly histogram: Histogram;
  readonly cost: ReadCost;
  readonly seconds: number;
}

/** Closed loop: each caller asks its next question when it has its answer. */
async function ask(
  name: ReadName,
  { target, data, random }: Reader,
  { seconds, queriesMax }: ReadWork,
  atOnce: number,
): Promise<Asked> {
  const histogram = new Histogram();
  const total = { found: 0, reads: 0, scanned: 0 };
  const began = performance.now();
  const deadline = began + seconds * 1000;
  const caller = async (): Promise<void> => {
    do {
      const subject = subjectOf(name, data, random);
      const askedAt = performance.now();
      const cost = await target.read(name, subject);
      histogram.record(performance.now() - askedAt);
      total.found += cost.found;
      total.reads += cost.reads;
      total.scanned += cost.scanned;
    } while (performance.now() < deadline && histogram.count < queriesMax);
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
  return { histogram, cost: total, seconds: (performance.now() - began) / 1000 };
}

interface Reader {
  readonly target: ReadTarget;
  readonly data: ReadData;
  readonly random: () => number;
}

/** Keys begin with `prefix`, such as `hop1.p99ms` or `neo4j.hop1.p99ms`. */
export async function measureReads(
  reader: Reader,
  work: ReadWork,
  prefix: string,
  log: (line: string) => void,
): Promise<Figures> {
  const figures: Record<string, Figure> = {};
  for (const name of reader.target.answers) {
    await ask(name, reader, { ...work, seconds: work.seconds / 10 }, 1);
    const alone = await ask(name, reader, work, 1);
    const key = `${prefix}${name}`;
    const each = (sum: number): number => sum / alone.histogram.count;
    const p99 = alone.histogram.quantile(0.99);
    figures[`${key}.p50ms`] = { value: alone.histogram.quantile(0.5), unit: 'ms' };
    figures[`${key}.p99ms`] = { value: p99, unit: 'ms' };
    figures[`${key}.found`] = { value: each(alone.cost.found), unit: 'an answer' };
    if (prefix === '') {
      figures[`${key}.reads`] = { value: each(alone.cost.reads), unit: 'a query' };
      figures[`${key}.rows`] = { value: each(alone.cost.scanned), unit: 'a query' };
    }
    if (name !== 'hop3wide') {
      const together = await ask(name, reader, work, callers);
      figures[`${key}.queriesPerSecond`] = {
        value: together.histogram.count / together.seconds,
        unit: 'queries/s',
      };
    }
    log(`${reader.target.name}: ${name} p99 ${p99.toFixed(2)} ms over ${alone.histogram.count} queries`);
  }
  return figures;
}
