import { parseDocument } from 'yaml';
import { RefusedError } from '../foundation/index.ts';

/** As the API takes it. */
export interface ScheduledStage {
  readonly key: string;
  readonly kind: string;
  /** RFC 3339; null: by hand. */
  readonly startsAt: string | null;
}

export interface LiveSchedule {
  readonly title?: string;
  readonly audience?: string;
  readonly stages: readonly ScheduledStage[];
}

const kinds = ['announced', 'lobby', 'live', 'custom', 'ended', 'replay'];
const unitsMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const instant = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/;
const fileExample =
  '{ "title": "The fight", "stages": [{ "key": "live", "at": "2026-11-21T20:00:00Z" }, { "key": "ended", "at": "+2h" }] }';

/** `2026-11-21T20:15:00Z`, `+10m`, `+1h30m` from now, or `by-hand`. Throws RefusedError LIVE_TIME_INVALID. */
export function readTime(text: string, nowMs: number): string | null {
  if (text === 'by-hand') return null;
  const timeMs = text.startsWith('+')
    ? nowMs + spanMs(text.slice(1))
    : instant.test(text)
      ? Date.parse(text)
      : Number.NaN;
  if (Number.isFinite(timeMs) && timeMs < 253_402_300_800_000) return new Date(timeMs).toISOString();
  throw new RefusedError(
    'LIVE_TIME_INVALID',
    `${JSON.stringify(text)} is no time; it looks like 2026-11-21T20:15:00Z (with Z or an offset), +10m, +1h30m, or by-hand.`,
  );
}

function spanMs(text: string): number {
  if (!/^(\d{1,9}[smhd])+$/.test(text)) return Number.NaN;
  return [...text.matchAll(/(\d+)([smhd])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitsMs[unit ?? ''] ?? Number.NaN),
    0,
  );
}

/** `KEY=TIME` or `KEY:KIND=TIME`; without a kind it is the key's, where that names one, or else custom. */
export function readStage(text: string, nowMs: number): ScheduledStage {
  const equals = text.indexOf('=');
  const [key = '', kind] = text.slice(0, equals).split(':');
  if (equals < 1 || key === '') {
    throw new RefusedError(
      'LIVE_TIME_INVALID',
      `${JSON.stringify(text)} is no stage; it looks like live=+10m or round-2:custom=+20m.`,
    );
  }
  return stageOf(key, kind, readTime(text.slice(equals + 1), nowMs));
}

/** `KEY=TIME`. */
export function readMove(text: string, nowMs: number): Pick<ScheduledStage, 'key' | 'startsAt'> {
  const { key, startsAt } = readStage(text, nowMs);
  if (!text.startsWith(`${key}=`))
    throw new RefusedError(
      'LIVE_SCHEDULE_INVALID',
      `${JSON.stringify(text)} says a kind, which a stage that is moved keeps; say ${key}=TIME.`,
    );
  return { key, startsAt };
}

function stageOf(key: string, kind: string | undefined, startsAt: string | null): ScheduledStage {
  const whole = kind ?? (kinds.includes(key) ? key : 'custom');
  if (!kinds.includes(whole))
    throw invalid(`${JSON.stringify(whole)} is no kind of stage; there are ${kinds.join(', ')}`);
  return { key, kind: whole.toUpperCase(), startsAt };
}

/** A schedule as JSON or YAML; times as flags have them. Throws RefusedError LIVE_SCHEDULE_INVALID, LIVE_TIME_INVALID. */
export function readSchedule(text: string, nowMs: number): LiveSchedule {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw invalid(`it cannot be read: ${error.message.split('\n')[0]}`);
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  const { title, audience, stages } = fieldsOf(value, ['title', 'audience', 'stages'], 'the schedule');
  if (!Array.isArray(stages)) throw invalid('`stages` is a list');
  return {
    ...optionalText('title', title),
    ...optionalText('audience', audience),
    stages: stages.map((stage: unknown, i) => {
      const { key, kind, at } = fieldsOf(stage, ['key', 'kind', 'at'], `stage ${i + 1}`);
      if (typeof key !== 'string') throw invalid(`stage ${i + 1} has no \`key\``);
      if (kind !== undefined && typeof kind !== 'string') throw invalid(`the \`kind\` of "${key}" is a text`);
      if (at !== undefined && at !== null && typeof at !== 'string')
        throw invalid(`the \`at\` of "${key}" is a text`);
      return stageOf(key, kind, at == null ? null : readTime(at, nowMs));
    }),
  };
}

function fieldsOf(value: unknown, names: readonly string[], what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${what} is no object`);
  const other = Object.keys(value).find((name) => !names.includes(name));
  if (other !== undefined)
    throw invalid(`${what} has ${JSON.stringify(other)}, which is none of ${names.join(', ')}`);
  return { ...value };
}

function optionalText(
  name: 'title' | 'audience',
  value: unknown,
): { readonly [Name in typeof name]?: string } {
  if (value === undefined) return {};
  if (typeof value !== 'string') throw invalid(`\`${name}\` is a text`);
  return { [name]: value };
}

function invalid(why: string): RefusedError {
  return new RefusedError(
    'LIVE_SCHEDULE_INVALID',
    `The schedule is wrong: ${why}. It looks like ${fileExample}`,
  );
}
