import type { Command } from 'commander';
import { settingsFromProcess } from '../../config/index.ts';
import type { CommandIo, ExitCode } from '../command-io.ts';
import { addSettingFlags, settingFlags } from '../setting-flags.ts';

const examples = `Examples:
  jg up                                        everything in one process, with demo members
  jg up --port 4100 --data ./somewhere
  jg up --bootstrap.servers localhost:9092 --topics streaming.playback,games.launch \\
        --schema.registry.url http://localhost:8081
`;

const allSettings = `
Every setting is a flag: docs/settings.md lists them, and jg config show prints them.`;

/** `jg up`: ingest, store and API in one process. */
export function addUpCommand(program: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addSettingFlags(program.command('up'))
    .description('Runs ingest, store and API in one process; Ctrl-C stops it cleanly.')
    .addHelpText('before', examples)
    .addHelpText('after', allSettings)
    .action(async (_options: unknown, command: Command) => {
      const { settings } = settingsFromProcess(settingFlags(command));
      // The whole product, which neither help nor a refusal waits for.
      const { up } = await import('../up.ts');
      finish(await up(settings, io));
    });
}
