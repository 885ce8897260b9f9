import { countText } from '../foundation/index.ts';
import type { CompareVerdict, DifferingRow, GraphDifference } from '../graph-store/index.ts';
import type { ListedGraph, Switched } from '../query-api/index.ts';
import { printable } from './command-io.ts';
import { renderTable } from './table.ts';

export function renderGraphs(graphs: readonly ListedGraph[]): string {
  const rows = graphs.map(({ name, state, sources }) => [
    name,
    state,
    sources === null ? 'cannot be read now' : countText(sources.length),
    sources === null ? '' : countText(sources.reduce((sum, { next }) => sum + Number(next), 0)),
  ]);
  return renderTable(['graph', 'state', 'partitions', 'records'], rows);
}

export function renderDifference({ kind, what, timeMs, live, other }: GraphDifference): string {
  const at = timeMs === null ? '' : ` at ${new Date(timeMs).toISOString()}`;
  return `${kind} ${printable(what)}${at}\n  live   ${rowText(live)}\n  other  ${rowText(other)}\n`;
}

function rowText(row: DifferingRow | null): string {
  if (row === null) return 'not there';
  const { content, lineage } = row;
  const by =
    lineage === null
      ? ''
      : `  from ${lineage.topic}/${lineage.partition}@${lineage.offset} by ${lineage.mapping.subject} ${lineage.mapping.version}`;
  return printable(`${JSON.stringify(content)}${by}`);
}

export function renderComparison(verdict: CompareVerdict): string {
  const { isEqual, live, other, ranges, rangesDiffering, rowsCompared, differences, hasMore } = verdict;
  const graph = (name: string, { rows, digest }: CompareVerdict['live']): string =>
    `${name}  ${countText(rows)} rows, digest ${digest}\n`;
  const both = `${graph('live ', live)}${graph('other', other)}`;
  if (isEqual) return `${both}The two graphs are equal.\n`;
  const found = `${countText(differences)}${hasMore ? ' and more' : ''} differences`;
  return `${both}${found}, in ${countText(rangesDiffering)} of ${countText(ranges)} ranges; ${countText(rowsCompared)} rows were compared one by one.\n`;
}

export function renderSwitch({ live, previous, behind, missing }: Switched): string {
  const catchUp = behind === '0' ? '' : ` It reads ${countText(Number(behind))} records again from the log.`;
  const left =
    missing.length === 0
      ? ''
      : `Not in it, because they were applied to ${previous ?? 'the other graph'} alone: ${missing.join(', ')}.\n`;
  return `${live} is the live graph now, ${previous ?? 'none'} was before it.${catchUp}\n${left}`;
}
