import type { Command } from 'commander';
import { registryAddressFromProcess, settingSpecs } from '../config/index.ts';
import { OutageError, RefusedError } from '../foundation/index.ts';
import {
  ConfluentRegistry,
  RegistryInspection,
  registryHttpLimitsDefault,
  type SubjectVersion,
} from '../schemas/index.ts';
import type { CommandIo } from './command-io.ts';
import type { SchemaSource } from './schema-check.ts';

/** The registry that the settings name. */
export interface RegistryAccess {
  readonly registry: ConfluentRegistry;
  readonly inspection: RegistryInspection;
}

const urlFlag = 'schema.registry.url';

export function addRegistryOptions(command: Command): Command {
  return command
    .option(`--${urlFlag} <url>`, 'The registry (default: the setting of that name).')
    .option('--config <file>', 'Settings in YAML.');
}

/** Runs with the configured registry, or with null when there is none; closes it afterwards. */
export async function withRegistry<T>(
  options: Readonly<Record<string, unknown>>,
  io: CommandIo,
  run: (access: RegistryAccess | null) => Promise<T>,
): Promise<T> {
  const settings = registryAddressFromProcess({ flags: flagsOf(options) });
  const url = settings[urlFlag];
  if (url === null) return run(null);
  const auth = settings['schema.registry.basic.auth.user.info'];
  const limits = { ...registryHttpLimitsDefault, timeoutMs: settings['schema.registry.timeout.ms'] };
  const registry = new ConfluentRegistry({
    url,
    ...(auth === null ? {} : { auth }),
    limits,
    clock: io.clock,
  });
  const inspection = new RegistryInspection(new URL(url), auth, limits, io.clock);
  try {
    return await run({ registry, inspection });
  } catch (error) {
    throw withoutPipeline(error);
  } finally {
    inspection.close();
    await registry.close();
  }
}

/** No pipeline pauses and nothing is waited for here: whoever asked has to see to it. */
export function withoutPipeline(error: unknown): unknown {
  if (!(error instanceof OutageError)) return error;
  const { code, message, context } = error;
  const said =
    code === 'REGISTRY_UNREACHABLE'
      ? message.replace(/; the pipeline .*$/, ': check schema.registry.url and the network.')
      : message.replace(' It is waited for; create it,', ' Create it,');
  return said === message ? error : new OutageError(code, said, { cause: error, context });
}

/** What of a command's options are settings or name files with settings. */
export function flagsOf(options: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const flags: Record<string, string> = {};
  for (const [name, value] of Object.entries(options)) {
    const isFlag = settingSpecs.has(name) || name === 'config' || name === 'kafka.properties';
    if (isFlag && typeof value === 'string') flags[name] = value;
    else if (name === 'bootstrapServer' && typeof value === 'string') flags['bootstrap.servers'] = value;
  }
  return flags;
}

/** Throws `RefusedError` code `REGISTRY_NOT_CONFIGURED`. */
export function needed(access: RegistryAccess | null): RegistryAccess {
  if (access !== null) return access;
  throw new RefusedError(
    'REGISTRY_NOT_CONFIGURED',
    'No schema registry is configured: pass --schema.registry.url http://localhost:8081, or set schema.registry.url.',
  );
}

/** The newest version, or the numbered one. Throws `RefusedError` code `SUBJECT_NOT_FOUND`. */
export async function registered(
  { registry }: RegistryAccess,
  subject: string,
  version: string | undefined,
): Promise<SubjectVersion> {
  const found =
    version === undefined ? await registry.latest(subject) : await numbered(registry, subject, version);
  if (found !== undefined && found !== null) return found;
  throw new RefusedError(
    'SUBJECT_NOT_FOUND',
    `The registry has no ${version === undefined ? '' : `version ${version} of the `}subject ${subject}; \`jg schema list\` shows what it has.`,
    { context: { subject } },
  );
}

async function numbered(
  registry: ConfluentRegistry,
  subject: string,
  version: string,
): Promise<SubjectVersion | null> {
  return /^[1-9]\d{0,8}$/.test(version) ? registry.version(subject, Number(version)) : null;
}

/** As problems name it: `rides-value@2`. */
export function registeredSource({ subject, version, schema: { text } }: SubjectVersion): SchemaSource {
  return { file: `${subject}@${version}`, text, subject, isRegistered: true };
}
