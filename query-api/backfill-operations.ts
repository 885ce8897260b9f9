import { RefusedError } from '../foundation/index.ts';

/** What an operator does with replays of archived history; composition implements it. Answers are JSON as clients get it. */
export interface BackfillOperations {
  /** A dry run. */
  plan(ask: BackfillAsk, signal: AbortSignal): Promise<object>;
  /** Answers when it runs; it goes on without whoever asked. A plan by its id, or all of it anew. */
  run(of: string | BackfillAsk, signal: AbortSignal): Promise<object>;
  list(signal: AbortSignal): Promise<object>;
  show(id: string, signal: AbortSignal): Promise<object>;
  pause(id: string, signal: AbortSignal): Promise<object>;
  resume(id: string, signal: AbortSignal): Promise<object>;
  cancel(id: string, signal: AbortSignal): Promise<object>;
  forget(id: string, signal: AbortSignal): Promise<object>;
}

/** All of it fits JSON. */
export interface BackfillAsk {
  readonly topic: string;
  /** Which of the topics of that name; null when the archive has one alone. */
  readonly topicId: string | null;
  readonly source: BackfillFormat;
  /** Where it is, of the server; null: the archive of the settings. */
  readonly path: string | null;
  readonly fromMs: number | null;
  readonly untilMs: number | null;
  readonly partitions: readonly number[] | null;
  readonly repeat: number;
  readonly allowGaps: boolean;
  readonly rewrite: boolean;
  readonly skipExpired: boolean;
  /** Null: the live graph; else the name of a shadow. */
  readonly shadow: string | null;
}

export const backfillFormats = ['iceberg', 'avro', 'arrow'] as const;
export type BackfillFormat = (typeof backfillFormats)[number];

export const backfillBounds = { partitionsMax: 10_000, partitionMax: 999_999, repeatMax: 1_000 } as const;
const timeMsMax = 8_640_000_000_000_000;
const nameCharactersMax = 1_024;
const pathCharactersMax = 4_096;

/** @throws RefusedError `BACKFILL_ASK_INVALID`, naming the member at fault. */
export function readBackfillAsk(text: string): BackfillAsk {
  const members = objectIn(text);
  const taken = new Set<string>();
  const take = (name: string): unknown => {
    taken.add(name);
    return members[name] ?? null;
  };
  const ask: BackfillAsk = {
    topic: textOf('topic', take('topic'), nameCharactersMax) ?? refuse('topic', 'is missing'),
    topicId: textOf('topicId', take('topicId'), nameCharactersMax),
    source: sourceOf(take('source') ?? 'iceberg'),
    path: textOf('path', take('path'), pathCharactersMax),
    fromMs: numberOf('fromMs', take('fromMs'), timeMsMax),
    untilMs: numberOf('untilMs', take('untilMs'), timeMsMax),
    partitions: partitionsOf(take('partitions')),
    repeat: numberOf('repeat', take('repeat'), backfillBounds.repeatMax) ?? 0,
    allowGaps: flagOf('allowGaps', take('allowGaps')),
    rewrite: flagOf('rewrite', take('rewrite')),
    skipExpired: flagOf('skipExpired', take('skipExpired')),
    shadow: textOf('shadow', take('shadow'), nameCharactersMax),
  };
  const unknown = Object.keys(members).find((name) => !taken.has(name));
  // A filter that is misspelt would let everything through.
  if (unknown !== undefined) refuse(unknown.slice(0, nameCharactersMax), 'is not known');
  return ask;
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  let value: unknown = null;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('body', 'is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('body', 'is no JSON object');
  return Object.fromEntries(Object.entries(value));
}

function textOf(name: string, value: unknown, max: number): string | null {
  if (value === null) return null;
  if (typeof value === 'string' && value.length > 0 && value.length <= max) return value;
  return refuse(name, `takes a text of 1 to ${max} characters`);
}

function numberOf(name: string, value: unknown, max: number): number | null {
  if (value === null) return null;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  return refuse(name, `takes a whole number from 0 to ${max}`);
}

function flagOf(name: string, value: unknown): boolean {
  if (value === null) return false;
  return typeof value === 'boolean' ? value : refuse(name, 'takes true or false');
}

function sourceOf(value: unknown): BackfillFormat {
  const found = backfillFormats.find((one) => one === value);
  return found ?? refuse('source', `takes ${backfillFormats.join(', ')}`);
}

function partitionsOf(value: unknown): readonly number[] | null {
  if (value === null) return null;
  const { partitionsMax, partitionMax } = backfillBounds;
  const isList = Array.isArray(value) && value.length > 0 && value.length <= partitionsMax;
  if (!isList) return refuse('partitions', `takes a list of 1 to ${partitionsMax} numbers`);
  return value.map(
    (one) => numberOf('partitions', one, partitionMax) ?? refuse('partitions', 'holds a null'),
  );
}

function refuse(name: string, what: string): never {
  throw new RefusedError('BACKFILL_ASK_INVALID', `"${name}" ${what}.`);
}
