import { countText } from '../foundation/index.ts';
import type { ArchiverStatus, LogRetention, TopicArchiveReport } from '../ingest/index.ts';
import { printable } from './command-io.ts';
import { megabytes } from './progress-line.ts';
import { renderTable } from './table.ts';

const leftOutShown = 20;

/** What an archiver did since it started, for JSON. */
export function archiverCounts({
  topic,
  table,
  state,
  rows,
  files,
  bytes,
  commits,
  undecoded,
}: ArchiverStatus): object {
  return { topic, table, state, rows, files, bytes, commits, undecoded };
}

export function renderArchived(statuses: readonly ArchiverStatus[]): string {
  const rows = statuses.map(({ topic, rows: count, files, bytes, commits }) => [
    topic,
    countText(count),
    countText(files),
    megabytes(bytes),
    countText(commits),
  ]);
  return renderTable(['topic', 'rows', 'files', 'size', 'commits'], rows);
}

export function renderReports(reports: readonly TopicArchiveReport[], nowMs: number, width: number): string {
  const rows = reports.map((report) => [
    report.topic,
    countText(report.rows),
    countText(report.files),
    megabytes(report.bytes),
    report.days === null ? '' : `${report.days.first} to ${report.days.last}`,
    report.lastCommitMs === null ? 'never' : `${spanText(nowMs - report.lastCommitMs)} ago`,
    lagText(report),
    report.log === null ? '?' : logRetentionText(report.log.retention),
    report.archiveRetentionMs === null ? 'for ever' : spanText(report.archiveRetentionMs),
  ]);
  const head = ['topic', 'rows', 'files', 'size', 'days', 'commit', 'behind', 'log keeps', 'archive keeps'];
  return renderTable(head, rows, width) + reports.map(remarks).join('');
}

function remarks(report: TopicArchiveReport): string {
  const lines: string[] = [];
  const { log, leftOut, topic } = report;
  const missed = log?.partitions.reduce((sum, partition) => sum + partition.missed, 0) ?? 0;
  if (missed > 0) lines.push(`${countText(missed)} records left the log before they were archived`);
  if (log?.roomMs !== null && log !== null)
    lines.push(`the log drops records that are not archived yet in ${spanText(log.roomMs)}`);
  const names = Object.entries(leftOut);
  if (names.length > 0) {
    const shown = names.slice(0, leftOutShown).map(([path, why]) => `${path} ${why}`);
    const more = names.length > leftOutShown ? `; and ${names.length - leftOutShown} more` : '';
    lines.push(`without a column of their own, in the raw bytes alone: ${shown.join('; ')}${more}`);
  }
  return lines.map((line) => `${printable(topic)}: ${printable(line)}\n`).join('');
}

function lagText({ log }: TopicArchiveReport): string {
  if (log === null) return '?';
  if (log.lagRecords === 0) return 'nothing';
  const time = log.lagMs === null ? '' : `, ${spanText(log.lagMs)}`;
  return `${countText(log.lagRecords)} records${time}`;
}

function logRetentionText({ ms, bytes, isCompacted }: LogRetention): string {
  const parts = [
    ...(ms === null ? [] : [spanText(ms)]),
    ...(bytes === null ? [] : [`${megabytes(bytes)} a partition`]),
    ...(isCompacted ? ['the newest of a key'] : []),
  ];
  return parts.length === 0 ? 'for ever' : parts.join(', ');
}

const spans = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

/** The largest unit is enough for a person. */
export function spanText(ms: number): string {
  for (const [size, unit] of spans) {
    const count = Math.floor(ms / size);
    if (count > 0) return `${countText(count)} ${unit}`;
  }
  return `${Math.max(0, Math.round(ms))} ms`;
}
