import { existsSync, readFileSync } from 'node:fs';
import { didYouMean } from '../foundation/index.ts';
import {
  invalidSettings,
  type LoadedSettings,
  loadRegistryAddress,
  loadSamplingSettings,
  loadServerAddress,
  loadSettings,
  type RegistryAddress,
  type SamplingSettings,
  type ServerAddress,
  type SettingsInput,
} from './load-settings.ts';

/** The file that is read without being named, when it is there. */
const wellKnownFile = 'journey-graph.yaml';

export interface SettingFlags {
  /** By setting name, plus `config` and `kafka.properties`, which name files. */
  readonly flags: Readonly<Record<string, string>>;
}

/**
 * Settings of this process: the only place that reads the environment.
 *
 * @throws RefusedError `INVALID_SETTINGS` with every problem at once.
 */
export function settingsFromProcess({ flags }: SettingFlags): LoadedSettings {
  return loadSettings(inputOfProcess(flags));
}

/**
 * Where the environment and the settings file say that a server runs: for commands that only ask it.
 *
 * @throws RefusedError `INVALID_SETTINGS`.
 */
export function serverAddressFromProcess(): ServerAddress {
  return loadServerAddress(inputOfProcess({}));
}

/**
 * Which schema registry flags, environment and settings file name: for commands that only ask it.
 *
 * @throws RefusedError `INVALID_SETTINGS`.
 */
export function registryAddressFromProcess({ flags }: SettingFlags): RegistryAddress {
  return loadRegistryAddress(inputOfProcess(flags));
}

/**
 * Which Kafka and registry to take samples from, for commands that run nothing.
 *
 * @throws RefusedError `INVALID_SETTINGS`.
 */
export function samplingSettingsFromProcess({ flags }: SettingFlags): SamplingSettings {
  return loadSamplingSettings(inputOfProcess(flags));
}

function inputOfProcess(flags: SettingFlags['flags']): SettingsInput {
  const { config, 'kafka.properties': properties, ...settingFlags } = flags;
  const files: SettingsInput['files'][number][] = [];
  if (existsSync(wellKnownFile)) files.push(readFile(wellKnownFile, 'yaml', wellKnownFile));
  if (properties !== undefined) files.push(readFile(properties, 'properties', 'flag --kafka.properties'));
  if (config !== undefined) files.push(readFile(config, 'yaml', 'flag --config'));
  return { flags: settingFlags, environment: process.env, files };
}

/** What else the command line needs to know about its surroundings. */
export function terminalEnvironment(): { readonly noColor: boolean } {
  return { noColor: (process.env.NO_COLOR ?? '') !== '' };
}

/** graphql tests every value for being of another copy of itself, unless it is told that this is no development; it looks once. */
export function defaultToProduction(): void {
  process.env.NODE_ENV ??= 'production';
}

function readFile(name: string, kind: 'yaml' | 'properties', origin: string): SettingsInput['files'][number] {
  try {
    return { name, kind, text: readFileSync(name, 'utf8') };
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw invalidSettings([`${origin}: cannot read ${name} (${reason})${didYouMean(name, [wellKnownFile])}`]);
  }
}
