import { didYouMean, RefusedError } from '../foundation/index.ts';
import { relationProblems } from './relations.ts';
import { fitsSetting, parseSetting, type SettingValue } from './setting-value.ts';
import { type Entry, readProperties, readYaml } from './settings-file.ts';
import {
  type SettingName,
  type SettingSpec,
  type Settings,
  settingSpecs,
  settingsTable,
} from './settings-table.ts';

/** What the edge of the process hands in: nothing here reads a disk or the environment by itself. */
export interface SettingsInput {
  /** Flags as given, by setting name; a repeated flag keeps its last value. */
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Lowest precedence first: `journey-graph.yaml`, then what `--config` and `--kafka.properties` name. */
  readonly files: readonly {
    readonly name: string;
    readonly text: string;
    readonly kind: 'yaml' | 'properties';
  }[];
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** Where each setting's value came from: `default`, `file:line:column`, `environment X` or `flag --x`. */
  readonly origins: ReadonlyMap<string, string>;
}

/** Names a Java or librdkafka properties file may hold that mean nothing here, and why leaving them out is safe. */
const ignoredProperties = new Set([
  'key.deserializer',
  'value.deserializer',
  'enable.auto.commit',
  'acks',
  'linger.ms',
]);

/**
 * Flags over environment over files over defaults.
 *
 * @throws RefusedError `INVALID_SETTINGS` listing every problem at once, each with where it was written.
 */
export function loadSettings(input: SettingsInput): LoadedSettings {
  const problems: string[] = [];
  const values: Record<string, SettingValue> = Object.create(null);
  const origins = new Map<string, string>();
  for (const [name, spec] of settingSpecs) {
    values[name] = spec.default;
    origins.set(name, 'default');
  }
  for (const entry of collectEntries(input, problems)) {
    const spec = settingSpecs.get(entry.name);
    if (spec === undefined) {
      problems.push(
        `${entry.at}: no setting is called ${quoted(entry.name)}${didYouMean(entry.name, [...settingSpecs.keys()])}`,
      );
      continue;
    }
    const parsed = parseSetting(spec, entry.text);
    if (parsed.ok) {
      values[entry.name] = parsed.value;
      origins.set(entry.name, entry.at);
    } else {
      problems.push(`${entry.at}: ${entry.name} ${describeProblem(spec, parsed.problem)}`);
    }
  }
  assertSettings(values);
  // A relation is only worth stating between values that stand by themselves.
  if (problems.length === 0) problems.push(...relationProblems(values, origins));
  if (problems.length > 0) throw invalidSettings(problems);
  return { settings: Object.freeze(values), origins };
}

/** The refusal that carries all problems, one a line. */
export function invalidSettings(problems: readonly string[]): RefusedError {
  const count = problems.length === 1 ? 'One problem' : `${problems.length} problems`;
  return new RefusedError(
    'INVALID_SETTINGS',
    `${count} with the settings:\n${problems.map((line) => `  ${line}`).join('\n')}`,
  );
}

function collectEntries(input: SettingsInput, problems: string[]): readonly Entry[] {
  const entries: Entry[] = [];
  for (const file of input.files) {
    const reading =
      file.kind === 'yaml' ? readYaml(file.name, file.text) : readProperties(file.name, file.text);
    problems.push(...reading.problems);
    entries.push(
      ...reading.entries.filter((entry) => file.kind === 'yaml' || !ignoredProperties.has(entry.name)),
    );
  }
  entries.push(...environmentEntries(input.environment));
  for (const [name, text] of Object.entries(input.flags)) entries.push({ name, text, at: `flag --${name}` });
  return entries;
}

function environmentEntries(environment: SettingsInput['environment']): Entry[] {
  const entries: Entry[] = [];
  const known = new Map<string, string>();
  for (const [name, spec] of settingSpecs) {
    for (const variable of environmentNames(name, spec)) known.set(variable, name);
  }
  for (const [variable, text] of Object.entries(environment)) {
    if (text === undefined) continue;
    const name = known.get(variable);
    if (name !== undefined) entries.push({ name, text, at: `environment ${variable}` });
    // Our own prefix is ours: a typo in it must not be passed over.
    else if (variable.startsWith('JG_')) {
      entries.push({
        name: variable.slice(3).toLowerCase().replaceAll('_', '.'),
        text,
        at: `environment ${variable}`,
      });
    }
  }
  // The conventional names first, so that ours wins when both are set.
  return entries.sort((a, b) => Number(a.at.includes(' JG_')) - Number(b.at.includes(' JG_')));
}

/** `JG_` and the name in upper snake case, then the conventional ones. */
export function environmentNames(name: string, spec: SettingSpec): readonly string[] {
  return [`JG_${name.toUpperCase().replaceAll('.', '_')}`, ...(spec.environment ?? [])];
}

function describeProblem(spec: SettingSpec, problem: string): string {
  return spec.secret === true ? 'has a value that it cannot take' : problem;
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

function assertSettings(
  values: Record<string, unknown>,
): asserts values is Settings & Record<string, SettingValue> {
  for (const [name, spec] of settingSpecs) {
    if (!fitsSetting(spec, values[name])) throw new TypeError(`setting ${name} does not fit its own table`);
  }
}

/** True for the name of a setting: what flags may be called. */
export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(settingsTable, name);
}
