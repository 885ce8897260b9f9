import { didYouMean, unreachable } from '../foundation/index.ts';
import type { SettingSpec } from './setting-spec.ts';

export type SettingValue = string | number | boolean | readonly string[] | null;

export type Parsed =
  | { readonly ok: true; readonly value: SettingValue }
  | { readonly ok: false; readonly problem: string };

const textLengthMax = 65_536;
const units: Readonly<Record<string, readonly [string, number][]>> = {
  bytes: [
    ['KiB', 2 ** 10],
    ['MiB', 2 ** 20],
    ['GiB', 2 ** 30],
    ['kB', 1e3],
    ['MB', 1e6],
    ['GB', 1e9],
  ],
  ms: [
    ['ms', 1],
    ['s', 1000],
    ['m', 60_000],
    ['h', 3_600_000],
    ['d', 86_400_000],
  ],
};

/** Text from a flag, the environment or a file to a value in the setting's own unit. Problems never quote a secret. */
export function parseSetting(spec: SettingSpec, text: string): Parsed {
  if (text.length > textLengthMax)
    return { ok: false, problem: `is longer than ${textLengthMax} characters` };
  switch (spec.kind) {
    case 'text':
      return parseText(spec, text);
    case 'list':
      return {
        ok: true,
        value: text
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== ''),
      };
    case 'flag':
      return parseFlag(text);
    case 'choice':
      return parseChoice(spec.choices, text);
    case 'number':
      return parseNumber(spec, text);
    default:
      return unreachable(spec);
  }
}

function parseText(spec: SettingSpec & { kind: 'text' }, text: string): Parsed {
  if (text === '') {
    return spec.default === null ? { ok: true, value: null } : { ok: false, problem: 'is empty' };
  }
  const problem = spec.form === undefined ? null : formProblems[spec.form](text);
  return problem === null ? { ok: true, value: text } : { ok: false, problem };
}

const formProblems = { url: addressProblem, brokers: brokersProblem, bolt: boltProblem } as const;

/** An address is shown by `jg config show` and in errors, so it may hold no credentials, and is not quoted before that is sure. */
function addressProblem(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return 'takes an address such as http://localhost:8081';
  }
  const bare = url.username === '' && url.password === '';
  return bare ? null : 'holds credentials, which belong in settings of their own';
}

function boltProblem(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || !/^(?:bolt|neo4j)(?:\+s|\+ssc)?:$/.test(url.protocol) || url.hostname === '') {
    return 'takes an address such as bolt://127.0.0.1:7687 or neo4j+s://graph.example.com';
  }
  const bare = url.username === '' && url.password === '';
  return bare ? null : 'holds credentials, which belong in `neo4j.user` and `neo4j.password`';
}

function brokersProblem(text: string): string | null {
  const wrong = text
    .split(',')
    .map((broker) => broker.trim())
    .find((broker) => !/^(?:[^\s:/@[\]]+|\[[0-9a-fA-F:.]+\]):\d{1,5}$/.test(broker));
  if (wrong === undefined) return null;
  // What stands before an @ may be a password, and errors are read by more people than settings are.
  const shown = wrong.includes('@') ? 'a broker with credentials' : quoted(wrong);
  return `takes host:port, comma separated, not ${shown}`;
}

/** Text of somebody else's inside a sentence of ours: marked, escaped and no longer than a name. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

function parseFlag(text: string): Parsed {
  if (text === 'true' || text === 'on') return { ok: true, value: true };
  if (text === 'false' || text === 'off') return { ok: true, value: false };
  return { ok: false, problem: `takes true or false, not ${quoted(text)}` };
}

/** `true` and `false` stand for a choice's `on` and `off`, because YAML and people write them so. */
function parseChoice(choices: readonly string[], text: string): Parsed {
  const alias = text === 'true' ? 'on' : text === 'false' ? 'off' : text;
  if (choices.includes(alias)) return { ok: true, value: alias };
  const problem = `takes ${choices.join(', ')}, not ${quoted(text)}${didYouMean(text.slice(0, 100), choices)}`;
  return { ok: false, problem };
}

function parseNumber(spec: SettingSpec & { kind: 'number' }, text: string): Parsed {
  const match = /^(-?\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim());
  const suffixes = units[spec.unit] ?? [];
  const suffix = match?.[2] ?? '';
  const factor = suffix === '' ? 1 : suffixes.find(([name]) => name === suffix)?.[1];
  const unitText = spec.unit === 'port' ? '' : ` of ${spec.unit}`;
  if (match === null || factor === undefined) {
    const forms = suffixes.length === 0 ? '' : `, also with ${suffixes.map(([name]) => name).join(', ')}`;
    return { ok: false, problem: `takes a whole number${unitText}${forms}, not ${quoted(text)}` };
  }
  const value = Number(match[1]) * factor;
  if (!Number.isSafeInteger(value) || value < spec.min || value > spec.max) {
    const range = `whole numbers from ${spec.min} to ${spec.max}`;
    return { ok: false, problem: `takes ${range}${unitText}, not ${quoted(text)}` };
  }
  return { ok: true, value };
}

/** True when the value is one that the setting may have: what makes an assembled object a `Settings`. */
export function fitsSetting(spec: SettingSpec, value: unknown): value is SettingValue {
  switch (spec.kind) {
    case 'text':
      return typeof value === 'string' || (value === null && spec.default === null);
    case 'list':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'flag':
      return typeof value === 'boolean';
    case 'choice':
      return typeof value === 'string' && spec.choices.includes(value);
    case 'number':
      return (
        typeof value === 'number' && Number.isSafeInteger(value) && value >= spec.min && value <= spec.max
      );
    default:
      return unreachable(spec);
  }
}
