import { countText } from '../foundation/index.ts';
import type { LetterLine, LetterList, ShownLetter, TopicRetry, TopicTrial } from '../ingest/index.ts';
import { printable, printableLines } from './command-io.ts';
import { renderTable } from './table.ts';

/** What `jg dlq` prints. Values only where they were asked for. */

export function renderLetterList({ topics, newest }: LetterList): string {
  const some = topics.filter(({ letters }) => letters > 0);
  if (some.length === 0) return 'no dead letters\n';
  const rows = some.flatMap(({ topic, reasons }) =>
    reasons.map(({ reason, stage, letters, retried, oldestMs, newestMs }) => [
      ...[topic, reason, stage, countText(letters), countText(retried)],
      ...[day(oldestMs), day(newestMs)],
    ]),
  );
  const head = ['topic', 'reason', 'stage', 'letters', 'retried', 'oldest', 'newest'];
  const cut = some.filter(({ more }) => more).map(({ topic }) => printable(topic));
  const note = cut.length === 0 ? '' : `older letters of ${cut.join(', ')} were not counted\n`;
  return `${renderTable(head, rows)}${note}${renderLines(newest)}`;
}

function renderLines(lines: readonly LetterLine[]): string {
  if (lines.length === 0) return '';
  const rows = lines.map(({ origin, at, reason, timeMs, valueBytes, retried }) => [
    origin === null ? '?' : `${origin.topic} ${origin.partition} ${origin.offset}`,
    ...[`${at.partition}/${at.offset}`, reason, day(timeMs)],
    ...[valueBytes === null ? '' : countText(valueBytes), retried ? 'yes' : ''],
  ]);
  return `\n${renderTable(['record', 'letter', 'reason', 'written', 'bytes', 'retried'], rows)}`;
}

export function renderLetter(letter: ShownLetter): string {
  const { origin, at, reason, stage, detail, timeMs, keyBytes, valueBytes, retried, now, schema, headers } =
    letter;
  const facts: readonly (readonly [string, string])[] = [
    [
      'record',
      origin === null ? 'unknown' : `${origin.topic}, partition ${origin.partition}, offset ${origin.offset}`,
    ],
    ['letter', `${at.topic}, partition ${at.partition}, offset ${at.offset}`],
    ['reason', [reason, detail].filter((text) => text !== '').join(' ')],
    ['stage', stage],
    ['written', day(timeMs)],
    ['schema', schema === null ? 'unknown' : 'id' in schema ? String(schema.id) : schema.guid],
    ['key', bytesText(keyBytes)],
    ['value', bytesText(valueBytes)],
    ['headers', headers.map(({ name, bytes }) => `${name} (${bytesText(bytes)})`).join(', ')],
    ['retried', retried ? 'yes' : 'no'],
    ['now', now],
  ];
  const text = facts.map(([name, fact]) => `${name.padEnd(8)} ${printable(fact)}`.trimEnd()).join('\n');
  return `${text}\n${valueText(letter)}`;
}

function valueText({ value }: ShownLetter): string {
  if (value === undefined) return '';
  if (value === null) return '\nno value: a tombstone\n';
  if (value.kind === 'event') return `\n${printableLines(JSON.stringify(value.event, null, 2))}\n`;
  return `\nit cannot be decoded (${value.code}); its ${value.cut ? 'first ' : ''}bytes in base64:\n${value.base64}\n`;
}

export function renderTrial(topics: readonly TopicTrial[]): string {
  const some = topics.filter(({ letters }) => letters > 0);
  if (some.length === 0) return 'no dead letters that were not applied yet\n';
  const rows = some.flatMap(({ topic, rows }) =>
    rows.map(({ was, now, letters }) => [topic, was, now, countText(letters)]),
  );
  const sum = (of: (one: TopicTrial) => number): string =>
    countText(some.reduce((total, one) => total + of(one), 0));
  const cut = some.filter(({ more }) => more).map(({ topic }) => printable(topic));
  const note =
    cut.length === 0 ? '' : `more letters of ${cut.join(', ')} were not looked at: raise --limit\n`;
  return `${renderTable(['topic', 'was', 'now', 'letters'], rows)}${note}${sum((one) => one.passes)} would pass, ${sum((one) => one.filtered)} are left out by their mapping, ${sum((one) => one.fails)} still fail, ${sum((one) => one.held)} are held behind one of their key\n`;
}

export function renderRetried(topics: readonly TopicRetry[]): string {
  if (topics.length === 0) return 'nothing to apply\n';
  const rows = topics.map(({ topic, applied, superseded, filtered }) => [
    topic,
    ...[applied, superseded, filtered].map(countText),
  ]);
  return renderTable(['topic', 'applied', 'superseded', 'filtered'], rows);
}

function bytesText(bytes: number | null): string {
  return bytes === null ? 'null' : `${countText(bytes)} bytes`;
}

function day(timeMs: number | null): string {
  return timeMs === null ? '' : new Date(timeMs).toISOString();
}
