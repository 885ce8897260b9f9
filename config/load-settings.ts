import { didYouMean, RefusedError } from '../foundation/index.ts';
import { relationProblems } from './relations.ts';
import type { SettingSpec } from './setting-spec.ts';
import { fitsSetting, parseSetting, quoted, type SettingValue } from './setting-value.ts';
import { type Entry, readProperties, readYaml } from './settings-file.ts';
import { type Settings, settingSpecs } from './settings-table.ts';

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
  // We bring our own, and decode by schema.
  'key.deserializer',
  'value.deserializer',
  // Positions live in the store; Kafka's committed offsets serve lag tools only.
  'enable.auto.commit',
  // How a producer batches and how long a broker collects: a matter of pace, not of what is read.
  'acks',
  'linger.ms',
  'fetch.min.bytes',
]);

/**
 * Flags over environment over files over defaults.
 *
 * @throws RefusedError `INVALID_SETTINGS` listing every problem at once, each with where it was written.
 */
export function loadSettings(input: SettingsInput): LoadedSettings {
  const { settings, origins, problems } = readSettings(input);
  const refused = new Set(problems.map(({ name }) => name));
  const all = [...problems.map(({ text }) => text), ...relationProblems(settings, origins, refused)];
  if (all.length > 0) throw invalidSettings(all);
  return { settings: Object.freeze(settings), origins };
}

const serverAddress = ['host', 'port', 'api.token', 'data'] as const;
const registryAddress = [
  'schema.registry.url',
  'schema.registry.basic.auth.user.info',
  'schema.registry.timeout.ms',
] as const;

/** What taking samples of a topic needs, and what decides the fate of an event. */
const samplingSettings = [
  ...registryAddress,
  'bootstrap.servers',
  'client.id',
  'security.protocol',
  'sasl.mechanism',
  'sasl.username',
  'sasl.password',
  'ssl.ca.location',
  'ssl.certificate.location',
  'ssl.key.location',
  'ssl.key.password',
  'event.future.ms.max',
  'mapping.mutations.max',
] as const;

export type ServerAddress = Pick<Settings, (typeof serverAddress)[number]>;
export type RegistryAddress = Pick<Settings, (typeof registryAddress)[number]>;
export type SamplingSettings = Pick<Settings, (typeof samplingSettings)[number]>;

/**
 * Where a server that was started with these settings is to be found, and where it keeps its data. A command that only asks it a question does not care
 * whether the rest would do to run one.
 *
 * @throws RefusedError `INVALID_SETTINGS` for unknown names, unreadable files and problems with these.
 */
export function loadServerAddress(input: SettingsInput): ServerAddress {
  return loadSome(input, serverAddress);
}

/** The same for commands that only ask the schema registry. */
export function loadRegistryAddress(input: SettingsInput): RegistryAddress {
  return loadSome(input, registryAddress);
}

/** The same for commands that take samples of a topic. */
export function loadSamplingSettings(input: SettingsInput): SamplingSettings {
  return loadSome(input, samplingSettings);
}

function loadSome(input: SettingsInput, names: readonly string[]): Settings {
  const { settings, problems } = readSettings(input);
  const ours = problems.filter(({ name }) => names.includes(name) || !settingSpecs.has(name));
  if (ours.length > 0) throw invalidSettings(ours.map(({ text }) => text));
  return settings;
}

interface Problem {
  /** What was to be set; empty when a file could not be understood. */
  readonly name: string;
  /** Where and what, as a sentence. */
  readonly text: string;
}

/** Every value that is fine by itself, defaults for the others, and what is wrong with those. */
function readSettings(input: SettingsInput): LoadedSettings & { readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const values: Record<string, SettingValue> = Object.create(null);
  const origins = new Map<string, string>();
  for (const [name, spec] of settingSpecs) {
    values[name] = spec.default;
    origins.set(name, 'default');
  }
  for (const { name, text, at } of collectEntries(input, problems)) {
    const spec = settingSpecs.get(name);
    if (spec === undefined) {
      const hint = didYouMean(name.slice(0, 100), [...settingSpecs.keys()]);
      problems.push({ name, text: `${at}: no setting is called ${quoted(name)}${hint}` });
      continue;
    }
    const parsed = parseSetting(spec, text);
    if (parsed.ok) {
      values[name] = parsed.value;
      origins.set(name, at);
    } else {
      problems.push({ name, text: `${at}: ${name} ${describeProblem(spec, parsed.problem)}` });
    }
  }
  assertSettings(values);
  return { settings: values, origins, problems };
}

/** The refusal that carries all problems, one a line. */
export function invalidSettings(problems: readonly string[]): RefusedError {
  const count = problems.length === 1 ? 'One problem' : `${problems.length} problems`;
  return new RefusedError(
    'INVALID_SETTINGS',
    `${count} with the settings:\n${problems.map((line) => `  ${line}`).join('\n')}`,
  );
}

function collectEntries(input: SettingsInput, problems: Problem[]): readonly Entry[] {
  const entries: Entry[] = [];
  for (const file of input.files) {
    const reading =
      file.kind === 'yaml' ? readYaml(file.name, file.text) : readProperties(file.name, file.text);
    problems.push(...reading.problems.map((text) => ({ name: '', text })));
    entries.push(
      ...reading.entries.filter((entry) => file.kind === 'yaml' || !ignoredProperties.has(entry.name)),
    );
  }
  entries.push(...environmentEntries(input.environment));
  for (const [name, text] of Object.entries(input.flags)) {
    entries.push({ name, text, at: name.startsWith('-') ? `flag ${name}` : `flag --${name}` });
  }
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

function assertSettings(
  values: Record<string, unknown>,
): asserts values is Settings & Record<string, SettingValue> {
  for (const [name, spec] of settingSpecs) {
    if (!fitsSetting(spec, values[name])) throw new TypeError(`setting ${name} does not fit its own table`);
  }
}
