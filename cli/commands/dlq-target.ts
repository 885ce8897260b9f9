import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { settingSpecs, settingsFromProcess, takes } from '../../config/index.ts';
import { RefusedError } from '../../foundation/index.ts';
import type { LetterList, RetryEvent, ShownLetter } from '../../ingest/index.ts';
import type { DeadLetterOperations } from '../../query-api/index.ts';
import type { CommandIo } from '../command-io.ts';
import { DeadLetterClient } from '../dead-letter-client.ts';
import { createLog } from '../log.ts';
import { addServerOptions, endpoint, type ServerOptions } from './server-option.ts';

export interface DeadLetterOptions extends ServerOptions {
  readonly data?: string;
}

/** What the commands ask, of a server or of a folder. */
export interface DeadLetterTarget {
  list(request: Parameters<DeadLetterOperations['list']>[0]): Promise<LetterList>;
  show(request: Parameters<DeadLetterOperations['show']>[0]): Promise<ShownLetter>;
  retry(request: Parameters<DeadLetterOperations['retry']>[0]): AsyncIterable<RetryEvent>;
}

/** Those that a folder without a server most often needs; the others are there and not shown. */
const shown = new Set(['bootstrap.servers', 'topics', 'schema.registry.url']);
/** `--data` is said here; names that other flags of these commands have are theirs. */
const taken = new Set(['data']);

/** A running server unless a data folder is named; then settings are flags, as for `jg up`. */
export function addDeadLetterTarget(command: Command): Command {
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

/** Gives `work` the server or the opened folder, which is closed again behind it. */
export async function withDeadLetters<T>(
  options: DeadLetterOptions,
  io: CommandIo,
  work: (target: DeadLetterTarget) => Promise<T>,
): Promise<T> {
  const { data } = options;
  if (data === undefined) return await work(new DeadLetterClient(endpoint(options), io.signal));
  if (options.url !== undefined) {
    throw new RefusedError(
      'STORE_TARGET',
      'Name either a running server with --url or its folder with --data, not both.',
    );
  }
  const { settings } = settingsFromProcess({ flags: settingsIn(options) });
  if (settings.store !== 'neo4j' && !existsSync(join(settings.data, 'store', 'CURRENT'))) {
    throw new RefusedError(
      'STORE_MISSING',
      `There is no store in ${settings.data}: name the folder that \`jg up\` keeps its data in with --data.`,
    );
  }
  // The whole product, which neither help nor a server's answer waits for.
  const { compose } = await import('../composition.ts');
  const composition = await compose(settings, io, createLog(settings, io));
  try {
    const { deadLetters } = composition;
    return await work({
      list: (request) => deadLetters.list(request, io.signal),
      show: (request) => deadLetters.show(request, io.signal),
      retry: (request) => deadLetters.retry(request, io.signal),
    });
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
