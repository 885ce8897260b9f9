import type { Command } from 'commander';
import { settingsFromProcess } from '../../config/index.ts';
import type { CommandIo, ExitCode } from '../command-io.ts';
import { addSettingFlags, settingFlags } from '../setting-flags.ts';

const examples = `Examples:
  jg api --store neo4j --neo4j.uri bolt://graph:7687 --bootstrap.servers kafka:9092 \\
         --schema.registry.url http://registry:8081 --topics streaming.playback,games.launch
  jg api --config journey-graph.yaml --port 4001          another one beside it
  jg api --config journey-graph.yaml --keeps --data ./data
`;

const notes = `
Any number of them answer the same questions; nothing lies in a folder. What one process has to keep (audiences, live
events, retries of dead letters) is kept by the one with --keeps, below the setting data. docs/processes.md has the
rest; docs/settings.md lists every flag.`;

const shownSettings = new Set([
  'port',
  'host',
  'store',
  'bootstrap.servers',
  'topics',
  'schema.registry.url',
  'log.level',
]);

/** `jg api`: answers questions about a graph that other processes write. */
export function addServeCommand(api: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addSettingFlags(api.command('serve', { isDefault: true }), shownSettings)
    .description(
      'Answers questions about a shared graph, beside others of its kind; what `jg api` does by itself.',
    )
    .option('--keeps', 'Keep audiences, live events and retries of dead letters too: one process of all.')
    .addHelpText('before', examples)
    .addHelpText('after', notes)
    .action(async (options: { readonly keeps?: boolean }, command: Command) => {
      const { settings } = settingsFromProcess(settingFlags(command));
      const { serveApi } = await import('../api-service.ts');
      finish(await serveApi(settings, { keeps: options.keeps === true }, io));
    });
}
