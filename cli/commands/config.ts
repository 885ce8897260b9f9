import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { settingsFromProcess, settingsPage, showSettings, valueText } from '../../config/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { addSettingFlags, settingFlags } from '../setting-flags.ts';
import { renderTable } from '../table.ts';

interface ShowOptions {
  readonly origin?: boolean;
  readonly json?: boolean;
}

/** `jg config show|check|docs`. */
export function addConfigCommand(program: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  const config = program.command('config').description('What the settings are and where each comes from.');
  addSettingFlags(config.command('show'))
    .description('Prints every setting; secrets are masked.')
    .option('--origin', 'Say where each value comes from.')
    .option('--json', 'One JSON object.')
    .addHelpText('before', 'Examples:\n  jg config show --origin\n  JG_PORT=4100 jg config show --json\n')
    .action((options: ShowOptions, command: Command) => {
      const shown = showSettings(settingsFromProcess(settingFlags(command)));
      if (options.json === true) {
        const entries = shown.map(({ name, value, origin }) => [
          name,
          options.origin ? { value, origin } : value,
        ]);
        io.out(`${printableLines(JSON.stringify(Object.fromEntries(entries), null, 2))}\n`);
      } else {
        const rows = shown.map(({ name, value, origin }) => [
          name,
          valueText(value),
          ...(options.origin ? [origin] : []),
        ]);
        io.out(renderTable(['setting', 'value', ...(options.origin ? ['origin'] : [])], rows));
      }
      finish(exitCodes.ok);
    });
  addSettingFlags(config.command('check'))
    .description('Says every problem with the settings at once, and exits with 2 when there is one.')
    .option('--quiet', 'Say nothing when there is no problem.')
    .addHelpText(
      'before',
      'Examples:\n  jg config check --config jg.yaml\n  jg config check --quiet && jg up\n',
    )
    .action((options: { readonly quiet?: boolean }, command: Command) => {
      settingsFromProcess(settingFlags(command));
      if (options.quiet !== true) io.err('The settings hold together.\n');
      finish(exitCodes.ok);
    });
  config
    .command('docs')
    .description('Writes the page of all settings.')
    .argument('[file]', 'Where to; standard output when left out.')
    .action(async (file: string | undefined) => {
      if (file === undefined) io.out(settingsPage());
      else await writeFile(file, settingsPage());
      finish(exitCodes.ok);
    });
}
