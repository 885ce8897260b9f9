import type { Random } from '../foundation/index.ts';
import type { DayEvent } from './day.ts';
import { films, franchises, pick, type Title } from './world.ts';

const genres: readonly string[] = ['Drama', 'Mystery', 'Documentary', 'Sport', 'Food'];
const titles: readonly Title[] = [...franchises.map(({ series }) => series), ...films];
/** The first one's premiere, in days since 1970; each of the others followed a season later. */
const firstPremiereDay = 18_262;

/** The titles as a change-data-capture connector reads them first, one record a row. */
export function titleSnapshot(): readonly DayEvent[] {
  return titles.map((title, number) => titleChange(title, number, 'r', number));
}

/** An editor has changed one of the titles. */
export function titleUpdate(random: Random): DayEvent {
  const title = pick(titles, random);
  return titleChange(title, titles.indexOf(title), 'u', Math.floor(random() * genres.length));
}

function titleChange({ id, name, kind }: Title, number: number, op: 'r' | 'u', genre: number): DayEvent {
  const after = {
    id,
    name,
    kind: kind.toLowerCase(),
    released: firstPremiereDay + number * 91,
    runtime_seconds: kind === 'FILM' ? 5_400 + number * 60 : null,
    genres: [genres[genre % genres.length], genres[(genre + 1) % genres.length]],
  };
  const source = {
    connector: 'postgresql',
    name: 'catalog',
    snapshot: op === 'r' ? 'true' : 'false',
    db: 'catalog',
    schema: 'public',
    table: 'titles',
    lsn: null,
  };
  return {
    afterMs: 1,
    topic: 'titles.changes',
    key: id,
    fields: { before: null, after, op },
    timed: (timeMs) => ({ source: { ...source, ts_ms: BigInt(timeMs) }, ts_ms: BigInt(timeMs) }),
  };
}
