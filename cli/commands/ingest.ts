import type { Command } from 'commander';
import { settingsFromProcess } from '../../config/index.ts';
import type { CommandIo, ExitCode } from '../command-io.ts';
import { addSettingFlags, settingFlags } from '../setting-flags.ts';

const examples = `Examples:
  jg ingest --store neo4j --neo4j.uri bolt://graph:7687 --bootstrap.servers kafka:9092 \\
            --schema.registry.url http://registry:8081 --topics streaming.playback,games.launch
  jg ingest --config journey-graph.yaml --port 0          another one beside it
`;

const notes = `
Start as many as there are partitions of the largest topic: Kafka shares the partitions out, the store keeps the
positions, and nothing lies in a folder. GET /healthz says that the process lives, /readyz that it reads its share,
/metrics how far behind the topics are. docs/processes.md has the rest; docs/settings.md lists every flag.`;

const shownSettings = new Set([
  'port',
  'host',
  'store',
  'bootstrap.servers',
  'topics',
  'group.id',
  'schema.registry.url',
  'ready.lag.ms.max',
  'log.level',
]);

/** `jg ingest`: reads topics into a graph that several processes share. */
export function addIngestCommand(program: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addSettingFlags(program.command('ingest'), shownSettings)
    .description('Reads topics into a shared graph, beside others of its kind; Ctrl-C stops it cleanly.')
    .addHelpText('before', examples)
    .addHelpText('after', notes)
    .action(async (_options: unknown, command: Command) => {
      const { settings } = settingsFromProcess(settingFlags(command));
      const { ingest } = await import('../ingest.ts');
      finish(await ingest(settings, io));
    });
}
