import { countText } from '../foundation/index.ts';
import {
  isBackfill,
  isLetterLife,
  type SourceJson,
  type StoreStats,
  type StoreVerdict,
} from '../graph-store/index.ts';
import { printable } from './command-io.ts';
import { megabytes } from './progress-line.ts';
import { renderTable } from './table.ts';

const rowNames: Readonly<Record<keyof StoreVerdict['rows'], string>> = {
  nodes: 'nodes',
  nodeTombstones: 'tombstones of nodes',
  steps: 'steps',
  occurrences: 'occurrences of edges',
  reverseOccurrences: 'the same, from their ends',
  edgeTombstones: 'tombstones of edges',
  origins: 'origins of lineage',
};

export function renderRows(rows: Readonly<Partial<StoreVerdict['rows']>>): string {
  const shown = Object.entries(rowNames).flatMap(([name, text]) => {
    const count = new Map(Object.entries(rows)).get(name);
    return count === undefined ? [] : [[text, countText(count)]];
  });
  return renderTable(['rows', 'count'], shown);
}

export function renderSources(sources: readonly Pick<SourceJson, 'source' | 'epoch' | 'next'>[]): string {
  if (sources.length === 0) return 'no position: nothing was ever read\n';
  const letters = sources.filter(({ source }) => isLetterLife(source));
  const topics = sources.filter(({ source }) => !isLetterLife(source));
  const rows = topics.map(({ source, epoch, next }) => [
    isBackfill(source) ? `${source.topic} (backfill)` : source.topic,
    String(source.partition),
    String(next),
    String(epoch),
  ]);
  const names = [...new Set(letters.map(({ source }) => printable(source.topic)))];
  const retried = names.length === 0 ? '' : `dead letters were applied again from ${names.join(', ')}\n`;
  return renderTable(['topic', 'partition', 'position', 'epoch'], rows) + retried;
}

export function renderVerdict(verdict: StoreVerdict): string {
  const { rows, bytes, digest, sources, faults, firstFaults } = verdict;
  const fine = faults === 0 ? 'Nothing is wrong.\n' : '';
  const named = firstFaults.map(({ key, what }) => `  ${printable(key)}: ${printable(what)}\n`).join('');
  const rest = faults > firstFaults.length ? `  and ${countText(faults - firstFaults.length)} more\n` : '';
  const wrong = faults === 0 ? '' : `${countText(faults)} faults:\n${named}${rest}`;
  return `${renderRows(rows)}\n${renderSources(sources)}\ndigest ${digest} · ${megabytes(bytes)} of keys and values\n${fine}${wrong}`;
}

export function renderStats(stats: StoreStats): string {
  const { estimate, cacheBytes } = stats;
  const error = Math.round(estimate.relativeError * 1000) / 10;
  const about = stats.exact ? '' : 'about ';
  const types = stats.rowsByType.map(({ kind, type, rows }) => [kind, type, countText(rows)]);
  const levels = stats.levels.map(({ level, files, megabytes: size }) => [
    String(level),
    String(files),
    countText(size),
  ]);
  return [
    `format ${stats.format}, ${countText(stats.files)} files, ${megabytes(stats.bytesOnDisk)} in ${printable(stats.folder)}\n`,
    `${about}${countText(stats.rows)} rows; about ${countText(estimate.nodes)} nodes and ${countText(estimate.edges)} edges (± ${error} %)\n`,
    stats.unknownRows === 0
      ? ''
      : `${about}${countText(stats.unknownRows)} of them cannot be read: \`jg store verify\` names them\n`,
    `events from ${day(stats.oldestEventMs)} to ${day(stats.newestEventMs)}${stats.exact ? '' : ', in the sample'}\n`,
    `caches: table blocks ${megabytes(cacheBytes.blocksMax)}, nodes ${megabytes(cacheBytes.nodesMax)}; LevelDB uses ${megabytes(cacheBytes.levelDbUses)}\n\n`,
    `${renderRows(stats.rowsByKind)}\n`,
    types.length === 0 ? '' : `${renderTable(['rows', 'type', 'count'], types)}\n`,
    levels.length === 0 ? '' : `${renderTable(['level', 'files', 'MB'], levels)}\n`,
    renderSources(stats.sources),
  ].join('');
}

function day(timeMs: number | null): string {
  return timeMs === null ? 'nowhere' : new Date(timeMs).toISOString();
}
