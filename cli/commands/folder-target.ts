import { type Command, Option } from 'commander';
import { type Settings, settingSpecs, settingsFromProcess, takes } from '../../config/index.ts';
import { RefusedError } from '../../foundation/index.ts';
import type { CommandIo } from '../command-io.ts';
import type { Composition } from '../composition.ts';
import { createLog } from '../log.ts';
import { addServerOptions, type ServerOptions } from './server-option.ts';

export interface FolderOptions extends ServerOptions {
  readonly data?: string;
}

/** Those that a folder without a server most often needs; the others are there and not shown. */
const shown = new Set(['bootstrap.servers', 'topics', 'schema.registry.url']);
/** `--data` is said here; names that other flags of these commands have are theirs. */
const taken = new Set(['data']);

/** A running server unless a data folder is named; then settings are flags, as for `jg up`. */
export function addFolderTarget(command: Command): Command {
  addServerOptions(command).option(
    '--data <folder>',
    'The data folder itself, while no server has it open; other settings as for `jg up`.',
  );
  for (const [name, spec] of settingSpecs) {
    if (taken.has(name)) continue;
    const option = new Option(`--${name} <value>`, `${spec.description} (${takes(spec)})`);
    command.addOption(shown.has(name) ? option : option.hideHelp());
  }
  return command
    .option('--config <file>', 'Settings in YAML.')
    .option('--kafka.properties <file>', 'A Kafka client.properties file.');
}

/**
 * Gives `work` the opened folder, which is closed again behind it. `check` refuses settings that it cannot work with.
 *
 * @throws RefusedError `STORE_TARGET` when a server was named too.
 */
export async function withFolder<T>(
  options: FolderOptions,
  io: CommandIo,
  check: (settings: Settings) => Promise<void>,
  work: (composition: Composition) => Promise<T>,
): Promise<T> {
  if (options.url !== undefined) {
    throw new RefusedError(
      'STORE_TARGET',
      'Name either a running server with --url or its folder with --data, not both.',
    );
  }
  const loaded = settingsFromProcess({ flags: settingsIn(options) });
  // A command says itself how it goes on; the log is for what goes wrong, unless somebody wants more.
  const isSaid = loaded.origins.get('log.level') !== 'default';
  const settings: Settings = isSaid ? loaded.settings : { ...loaded.settings, 'log.level': 'warn' };
  await check(settings);
  // The whole product, which neither help nor a server's answer waits for.
  const { compose } = await import('../composition.ts');
  const composition = await compose(settings, io, createLog(settings, io));
  try {
    return await work(composition);
  } finally {
    await composition.close();
  }
}

function settingsIn(options: object): Record<string, string> {
  const flags: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(options)) {
    const isSetting = settingSpecs.has(name) || name === 'config' || name === 'kafka.properties';
    if (isSetting && typeof value === 'string') flags[name] = value;
  }
  return flags;
}
