import { isDeepStrictEqual } from 'node:util';
import { systemClock } from '../../foundation/index.ts';
import { type GraphStore, openLevelStore } from '../../graph-store/index.ts';
import { compareGraph } from '../main-job-comparison.ts';
import { compareDeadLetters } from '../main-job-dead-letters.ts';
import { compareFates } from '../main-job-fates.ts';
import { expectedInventory, takeInventory } from '../main-job-inventory.ts';
import type { Oracle } from '../main-job-oracle.ts';

export interface Verdict {
  readonly digest: string;
  readonly nodes: number;
  readonly occurrences: number;
  readonly steps: number;
  readonly fates: Readonly<
    Record<'consumed' | 'applied' | 'superseded' | 'filtered' | 'deadLettered', number>
  >;
}

interface Judged {
  readonly store: GraphStore;
  readonly oracle: Oracle;
  readonly bootstrapServers: string;
  readonly topics: readonly string[];
  /** Empty: the graph is copied there, so that its rows can be counted by their keys. */
  readonly folder: string;
}

/**
 * Everything the oracle says is there, and nothing else; each record has one fate; dead letters are the bad records.
 *
 * @throws {Error} with the first differences.
 */
export async function judge({ store, oracle, bootstrapServers, topics, folder }: Judged): Promise<Verdict> {
  const sources = await store.sources();
  agree('fates', compareFates(sources, oracle.fates));
  agree('the graph', await compareGraph(store, oracle));
  agree('dead letters', await compareDeadLetters(bootstrapServers, topics, oracle.bad, 'at-least-one'));
  const { hex } = await store.digest();
  const copied = await copyTo(folder, store);
  if (copied !== hex) throw new Error(`The copy of the graph has the digest ${copied}, the graph ${hex}.`);
  const [found, expected] = [await takeInventory(folder), expectedInventory(oracle)];
  if (!isDeepStrictEqual(found, expected)) {
    const text = ({ nodes, ...rows }: typeof found): string => JSON.stringify({ nodes: nodes.size, ...rows });
    throw new Error(`There is ${text(found)}, expected ${text(expected)}.`);
  }
  const total = (of: keyof Verdict['fates']): number =>
    sources.reduce((sum, { fates }) => sum + fates[of], 0);
  return {
    digest: hex,
    nodes: found.nodes.size,
    occurrences: found.occurrencesOut,
    steps: found.steps,
    fates: {
      consumed: total('consumed'),
      applied: total('applied'),
      superseded: total('superseded'),
      filtered: total('filtered'),
      deadLettered: total('deadLettered'),
    },
  };
}

function agree(what: string, differences: readonly string[]): void {
  if (differences.length > 0) throw new Error(`Differences of ${what}:\n${differences.join('\n')}`);
}

async function copyTo(folder: string, store: GraphStore): Promise<string> {
  const copy = await openLevelStore({ folder }, systemClock);
  try {
    await using snapshot = await store.snapshot();
    await copy.restore(snapshot);
    return (await copy.digest()).hex;
  } finally {
    await copy.close();
  }
}
