import { type Command, Option } from 'commander';
import { type SettingFlags, settingSpecs, takes } from '../config/index.ts';
import { RefusedError } from '../foundation/index.ts';

/** Shown in `--help`; the rest are in docs/settings.md and `jg config show`. */
const shown = new Set([
  'port',
  'host',
  'data',
  'demo',
  'demo.events.per.second',
  'bootstrap.servers',
  'topics',
  'schema.registry.url',
  'log.level',
]);

/** Gives a command one flag for each setting of the table, plus those that name files; `visible`: those that its help shows. */
export function addSettingFlags(command: Command, visible: ReadonlySet<string> = shown): Command {
  for (const [name, spec] of settingSpecs) {
    const option = new Option(`--${name} <value>`, `${spec.description} (${takes(spec)})`);
    command.addOption(visible.has(name) ? option : option.hideHelp());
  }
  command.option('--config <file>', 'Settings in YAML.');
  command.option('--kafka.properties <file>', 'A Kafka client.properties file.');
  // Flags that no setting has are left to the settings' own check, which names all problems at once.
  return command.allowUnknownOption().allowExcessArguments();
}

/**
 * What commander parsed, as the settings loader takes it; misspelt flags included, so that it can say what was meant.
 *
 * @throws RefusedError `UNEXPECTED_ARGUMENT`.
 */
export function settingFlags(command: Command): SettingFlags {
  const flags: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(command.opts())) {
    if (isSettingFlag(name) && typeof value === 'string') flags[name] = value;
  }
  let isValue = false;
  for (const argument of command.args) {
    const [, dashes, name, value] = /^(--?)([^=]+)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name !== undefined && !isSettingFlag(name)) flags[dashes === '-' ? argument : name] = value ?? '';
    else if (!isValue) throw unexpectedArgument(command);
    isValue = name !== undefined && value === undefined;
  }
  return { flags };
}

function isSettingFlag(name: string): boolean {
  return settingSpecs.has(name) || name === 'config' || name === 'kafka.properties';
}

/** Not quoted: beside a misspelt flag it may be a secret. */
function unexpectedArgument(command: Command): RefusedError {
  return new RefusedError(
    'UNEXPECTED_ARGUMENT',
    `\`jg ${command.name()}\` takes flags such as --port 4100 and nothing else; --help shows them.`,
  );
}

/** `--bootstrap-servers` means `--bootstrap.servers`: both ways of writing are in people's fingers. */
export function dotted(argument: string): string {
  const match = /^--([a-z0-9-]+)(=.*)?$/s.exec(argument);
  const name = match?.[1]?.replaceAll('-', '.');
  return name !== undefined && settingSpecs.has(name) ? `--${name}${match?.[2] ?? ''}` : argument;
}
