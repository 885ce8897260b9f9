import { systemClock } from '../../foundation/index.ts';
import { type GraphStore, openLevelStore } from '../../graph-store/index.ts';
import { atRest } from '../at-rest.ts';
import type { Figure } from '../benchmark.ts';
import { askAll, degreeOf, degreeScanMax, latestViewings, type ReadWork } from '../scale/store-reads.ts';
import { loadSupernode, supernode } from '../scale/supernode.ts';
import { limits, rowsOfDegree } from './read-target.ts';

/** A title that so many members watched, in an embedded store of its own: what a page and a degree of it cost. */
export async function readCrowdedTitle(
  folder: string,
  members: number,
  work: ReadWork,
  log: (line: string) => void,
): Promise<Record<string, Figure>> {
  log(`supernode: ${members} members watch one title`);
  const loaded = await withStore(folder, (store) => loadSupernode(store, members, log));
  return await withStore(folder, async (store) => {
    const restedSeconds = await atRest(cpuSeconds);
    log(`supernode: LevelDB rests after ${restedSeconds} s`);
    return {
      ...loaded,
      ...(await askAll(questionsOf(store), work, log)),
      ...(await costs(store, members)),
    };
  });
}

function questionsOf(store: GraphStore): Readonly<Record<string, () => Promise<number>>> {
  const viewings = async (limit: number): Promise<number> =>
    (await latestViewings(store, supernode, limit)).occurrences.length;
  return {
    'supernode.latest20': () => viewings(limits.steps),
    'supernode.hop1': () => viewings(limits.hop1Edges),
    'supernode.degree': async () => (await degreeOf(store, supernode)).count,
  };
}

/** What one of each reads, and how far the degree is off: nothing is written any more, so that each is like the others. */
async function costs(store: GraphStore, members: number): Promise<Record<string, Figure>> {
  const latest = await latestViewings(store, supernode, limits.steps);
  const hop = await latestViewings(store, supernode, limits.hop1Edges);
  const degree = await degreeOf(store, supernode);
  const error = (Math.abs(degree.count - members) / members) * 100;
  return {
    'supernode.latest20.rows': { value: latest.scanned, unit: 'a query' },
    'supernode.hop1.rows': { value: hop.scanned, unit: 'a query' },
    'supernode.degree.rows': { value: rowsOfDegree(degree, degreeScanMax), unit: 'a query, at most' },
    'supernode.degree.exact': { value: degree.exact ? 1 : 0, unit: 'of 1' },
    'supernode.degree.errorPercent': { value: error, unit: '%' },
  };
}

async function withStore<T>(folder: string, work: (store: GraphStore) => Promise<T>): Promise<T> {
  const store = await openLevelStore({ folder }, systemClock);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
