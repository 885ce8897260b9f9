import { countText } from '../foundation/index.ts';
import type {
  BackfillList,
  BackfillProgress,
  PlannedBackfill,
  PlanSummary,
  Yielding,
} from '../ingest/index.ts';
import { printable } from './command-io.ts';
import { megabytes } from './progress-line.ts';
import { renderTable } from './table.ts';

/** What `jg backfill` prints. */

export function renderPlan(plan: PlanSummary): string {
  const { id, topic, topicId, into, archive, snapshotId, from, until } = plan;
  const { repeat, files, rows, bytes, estimateMs } = plan;
  const time =
    from === null && until === null ? 'all' : `${from ?? 'the beginning'} to ${until ?? 'the end'}`;
  const facts: readonly (readonly [string, string])[] = [
    ['plan', id],
    ['topic', `${topic} (id ${topicId})`],
    ...(into === 'live' ? [] : [['into', into.shadow] as const]),
    ['archive', snapshotId === null ? archive : `${archive}, snapshot ${snapshotId}`],
    ['time', time],
    ['rows', `${countText(rows)} in ${countText(files)} files, ${megabytes(bytes)}`],
    ['takes', estimateMs === null ? 'unknown: none was measured yet' : `about ${durationText(estimateMs)}`],
    [
      'mapping',
      plan.mappings.map(({ subject, version }) => `${subject} version ${version}`).join(', ') || 'none',
    ],
    ...(repeat === 0 ? [] : [['repeat', String(repeat)] as const]),
  ];
  const head = facts.map(([name, fact]) => `${name.padEnd(8)} ${printable(fact)}\n`).join('');
  const partitions = plan.partitions.map((one) => [
    ...[String(one.partition), countText(one.files), countText(one.rows)],
    ...[one.firstOffset, one.endOffset],
  ]);
  const table = renderTable(['partition', 'files', 'rows', 'from', 'until'], partitions);
  const warnings = plan.warnings.map(({ message }) => `warning: ${printable(message)}\n`).join('');
  const refusals = plan.refusals
    .map(({ code, message }) => `refused ${code}: ${printable(message)}\n`)
    .join('');
  return `${head}\n${partitions.length === 0 ? '' : table}${warnings}${refusals}`;
}

export function renderBackfills({ backfills, damaged }: BackfillList): string {
  const notes = damaged.map((message) => `${printable(message)}\n`).join('');
  if (backfills.length === 0) return `no backfills\n${notes}`;
  const rows = backfills.map(({ plan, progress }) => [
    ...[
      plan.id,
      plan.topic,
      graphOf(plan),
      progress.state,
      shareText(progress),
      countText(progress.rowsTotal),
    ],
    ...[countText(progress.fates.applied), countText(progress.fates.deadLettered)],
    reasonOf(progress),
  ]);
  const head = ['backfill', 'topic', 'into', 'state', 'done', 'rows', 'applied', 'dead letters', 'reason'];
  return `${renderTable(head, rows)}${notes}`;
}

export function renderBackfill({ plan, progress }: PlannedBackfill): string {
  const { fates, duplicates, outside } = progress;
  const facts: readonly (readonly [string, string])[] = [
    ['backfill', plan.id],
    ['topic', plan.topic],
    ['into', graphOf(plan)],
    ['state', [progress.state, reasonOf(progress)].filter((text) => text !== '').join(': ')],
    ['rows', `${countText(progress.rowsDone)} of ${countText(progress.rowsTotal)}, ${shareText(progress)}`],
    ['rate', `${countText(Math.round(progress.rowsPerSecond))}/s${leftText(progress)}`],
    ['active', durationText(progress.activeMs)],
    ['applied', countText(fates.applied)],
    [
      'other',
      `superseded ${countText(fates.superseded)}, filtered ${countText(fates.filtered)}, dead letters ${countText(fates.deadLettered)}`,
    ],
    ['left out', `duplicates ${countText(duplicates)}, outside of the filter ${countText(outside)}`],
    ['at', progress.at.map(({ file, group, row }) => `${file} (row group ${group}, row ${row})`).join(', ')],
  ];
  return facts
    .filter(([, fact]) => fact !== '')
    .map(([name, fact]) => `${name.padEnd(8)} ${printable(fact)}\n`)
    .join('');
}

function graphOf({ into }: PlanSummary): string {
  return into === 'live' ? 'live' : into.shadow;
}

const barWidth = 20;

/** One line: how far, how fast, how long, and what became of the rows. */
export function progressText({ plan, progress }: PlannedBackfill): string {
  const { rowsDone, rowsTotal, rowsPerSecond, fates, state } = progress;
  const share = rowsTotal === 0 ? 1 : rowsDone / rowsTotal;
  const full = Math.floor(share * barWidth);
  const bar = `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}]`;
  const parts = [
    `${bar} ${shareText(progress)} of ${countText(rowsTotal)} rows`,
    `${countText(Math.round(rowsPerSecond))}/s${leftText(progress)}`,
    `applied ${countText(fates.applied)}`,
    ...(fates.deadLettered > 0 ? [`dead letters ${countText(fates.deadLettered)}`] : []),
    ...(state === 'running' ? [] : [[state, reasonOf(progress)].filter((text) => text !== '').join(': ')]),
  ];
  return printable(`${plan.topic} ${parts.join(' · ')}`);
}

export function durationText(durationMs: number): string {
  const seconds = Math.round(durationMs / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function leftText({ etaMs }: BackfillProgress): string {
  return etaMs === null ? '' : ` · ${durationText(etaMs)} left`;
}

function shareText({ rowsDone, rowsTotal }: BackfillProgress): string {
  const share = rowsTotal === 0 ? 1 : rowsDone / rowsTotal;
  // Down, so that 100 % is the end.
  return `${(Math.floor(share * 1_000) / 10).toFixed(1)} %`;
}

const yieldingTexts: Readonly<Record<Yielding, string>> = {
  'live-slow': 'live events are late',
  'live-backlog': 'live events wait for the store',
  'live-paused': 'a live topic is paused',
};

function reasonOf({ failure, yieldsTo, state }: BackfillProgress): string {
  if (failure !== null && state !== 'done') return `${failure.code} ${failure.message}`;
  return yieldsTo === null ? '' : yieldingTexts[yieldsTo];
}
