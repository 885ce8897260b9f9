import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContext, Figure, Figures } from '../benchmark.ts';
import { type FactsOptions, PlaybackFacts } from '../ingest/playback-facts.ts';
import { growRival, type RivalBounds, type RivalGrowth } from './grow-rival.ts';
import { LadybugRival } from './ladybug-rival.ts';
import { Neo4jRival } from './neo4j-rival.ts';
import { PostgresqlRival } from './postgresql-rival.ts';
import { type Rival, type RivalName, rivalNames } from './rival.ts';

/** Below, a log that was made large in advance is most of the disk that is used. */
const bytesTellFrom = 1_000_000;

export type RivalWork = Readonly<Partial<Record<RivalName, RivalBounds>>>;

export interface GrownRival extends RivalGrowth {
  readonly name: RivalName;
  readonly diskBytes: number;
}

/** One after another, each with the machine to itself. */
export async function growRivals(
  context: BenchContext,
  facts: FactsOptions,
  work: RivalWork,
): Promise<readonly GrownRival[]> {
  const starts: Readonly<Record<RivalName, () => Promise<Rival>>> = {
    postgresql: () => PostgresqlRival.start(),
    neo4j: () => Neo4jRival.start(),
    ladybug: async () => {
      const folder = join(context.tempDir, 'ladybug');
      await mkdir(folder);
      return LadybugRival.start(folder);
    },
  };
  const grown: GrownRival[] = [];
  for (const name of rivalNames) {
    const bounds = work[name];
    if (bounds === undefined) continue;
    context.log(`${name}: up to ${bounds.eventsMax} events or ${bounds.loadingMsMax / 1000} s of loading`);
    const rival = await starts[name]();
    try {
      const growth = await growRival(rival, await PlaybackFacts.start(facts), bounds, context.log);
      grown.push({ ...growth, name, diskBytes: await rival.diskBytes() });
      const [all, early, late] = [growth.eventsPerSecond, growth.early, growth.late].map(Math.round);
      context.log(`${name}: ${all} events/s up to ${growth.events} events, early ${early}, late ${late}`);
    } finally {
      await rival.close();
    }
  }
  return grown;
}

export function rivalFigures(rivals: readonly GrownRival[]): Figures {
  const figures: Record<string, Figure> = {};
  for (const { name, ...grown } of rivals) {
    const key = `rival.${name}`;
    figures[`${key}.eventsPerSecond`] = { value: grown.eventsPerSecond, unit: 'events/s' };
    figures[`${key}.early.eventsPerSecond`] = { value: grown.early, unit: 'events/s' };
    figures[`${key}.late.eventsPerSecond`] = { value: grown.late, unit: 'events/s' };
    figures[`${key}.events`] = { value: grown.events, unit: 'events' };
    figures[`${key}.lost`] = { value: grown.lost, unit: 'events' };
    figures[`${key}.batch`] = { value: grown.plan.eventsPerBatch, unit: 'events' };
    figures[`${key}.sessions`] = { value: grown.plan.sessions, unit: 'at once' };
    if (grown.events >= bytesTellFrom) {
      figures[`${key}.bytesPerEvent`] = { value: grown.diskBytes / grown.events, unit: 'B' };
    }
  }
  return figures;
}
