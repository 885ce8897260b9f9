import { printable } from './command-io.ts';
import { field } from './journey-text.ts';
import { renderTable } from './table.ts';

/** Events, one a line. */
export function renderLiveEvents(events: unknown): string {
  const rows = itemsOf(events).map((event) => {
    const stage = field(event, 'currentStage');
    const next = nextStage(event);
    const then = next === null ? '' : `${textOf(next, 'key')} ${timeText(field(next, 'startsAt'))}`;
    return [
      textOf(event, 'id'),
      textOf(stage, 'key'),
      timeText(field(stage, 'at')),
      then,
      textOf(event, 'title'),
    ];
  });
  return renderTable(['id', 'stage', 'since (UTC)', 'next', 'title'], rows);
}

/** Who deleted what, one a line. */
export function renderLiveRemovals(removals: unknown): string {
  const rows = itemsOf(removals).map((one) => [
    timeText(field(one, 'time')),
    ...['actor', 'id', 'stage', 'reason', 'title'].map((name) => textOf(one, name)),
  ]);
  return renderTable(['time (UTC)', 'who', 'id', 'stage', 'reason', 'title'], rows);
}

/** One event with its stages; its journal, where the answer has it. */
export function renderLiveEvent(event: unknown): string {
  const stage = field(event, 'currentStage');
  const text = (name: string): string => printable(textOf(event, name));
  const audience = field(event, 'audience') === null ? 'no audience' : `audience ${text('audience')}`;
  const head = `${text('id')}: ${printable(textOf(stage, 'key'))} since ${timeText(field(stage, 'at'))}; version ${text('version')}, broadcast ${text('epoch')}.${text('sequence')}, ${audience}\n`;
  const stages = itemsOf(field(event, 'stages')).map((one) => [
    field(one, 'key') === field(stage, 'key') ? '>' : '',
    textOf(one, 'key'),
    textOf(one, 'kind').toLowerCase(),
    timeText(field(one, 'startsAt')),
  ]);
  const journal = itemsOf(field(event, 'journal')).map((entry) => [
    timeText(field(entry, 'time')),
    ...['actor', 'command', 'stage', 'reason'].map((name) => textOf(entry, name)),
  ]);
  const said = renderTable(['', 'stage', 'kind', 'scheduled (UTC)'], stages);
  if (journal.length === 0) return `${head}\n${said}`;
  return `${head}\n${said}\n${renderTable(['time (UTC)', 'who', 'what', 'stage', 'reason'], journal)}`;
}

/** What `jg live watch` prints when something has changed. */
export function renderLiveStage(event: unknown): string {
  const stage = field(event, 'currentStage');
  return `${timeText(field(stage, 'at'))}  ${printable(textOf(stage, 'key'))}  version ${textOf(event, 'version')}, broadcast ${textOf(event, 'epoch')}.${textOf(event, 'sequence')}\n`;
}

function nextStage(event: unknown): unknown {
  const stages = itemsOf(field(event, 'stages'));
  const held = field(field(event, 'currentStage'), 'key');
  const at = stages.findIndex((stage) => field(stage, 'key') === held);
  return at === -1 ? null : (stages[at + 1] ?? null);
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown, name: string): string {
  return String(field(value, name) ?? '');
}

function timeText(value: unknown): string {
  if (typeof value !== 'string') return 'by hand';
  return printable(value.replace('T', ' ').replace(/\.000Z$|Z$/, ''));
}
