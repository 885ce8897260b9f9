import { type Command, Option } from 'commander';
import { type SettingFlags, settingSpecs, takes } from '../config/index.ts';

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

/** Gives a command one flag for each setting of the table, plus those that name files. */
export function addSettingFlags(command: Command): Command {
  for (const [name, spec] of settingSpecs) {
    const option = new Option(`--${name} <value>`, `${spec.description} (${takes(spec)})`);
    command.addOption(shown.has(name) ? option : option.hideHelp());
  }
  command.option('--config <file>', 'Settings in YAML.');
  command.option('--kafka.properties <file>', 'A Kafka client.properties file.');
  return command;
}

/** What commander parsed, as the settings loader takes it. */
export function settingFlags(options: Readonly<Record<string, unknown>>): SettingFlags {
  const flags: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(options)) {
    const known = settingSpecs.has(name) || name === 'config' || name === 'kafka.properties';
    if (known && typeof value === 'string') flags[name] = value;
  }
  return { flags };
}

/** `--bootstrap-servers` means `--bootstrap.servers`: both ways of writing are in people's fingers. */
export function dotted(argument: string): string {
  const match = /^--([a-z0-9-]+)(=.*)?$/s.exec(argument);
  const name = match?.[1]?.replaceAll('-', '.');
  return name !== undefined && settingSpecs.has(name) ? `--${name}${match?.[2] ?? ''}` : argument;
}
