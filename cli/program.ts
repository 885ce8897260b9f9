import { Command, CommanderError } from 'commander';
import { type CommandIo, type ExitCode, exitCodes } from './command-io.ts';
import { addAudienceCommand } from './commands/audience.ts';
import { addConfigCommand } from './commands/config.ts';
import { addGatewayCommand } from './commands/gateway.ts';
import { addIngestCommand } from './commands/ingest.ts';
import { addJourneyCommand } from './commands/journey.ts';
import { addQueryCommand } from './commands/query.ts';
import { addStatusCommand } from './commands/status.ts';
import { addUpCommand } from './commands/up.ts';
import { reportFailure } from './failure.ts';
import { dotted } from './setting-flags.ts';
import { productVersion } from './version.ts';

const overview = `Examples:
  jg up                                   start everything, with demo members to look at
  jg journey Account:acc-000001           what a member has been doing
  jg query '{ status { nodes edges } }'   any GraphQL question
  jg api schema                           what clients build on
  jg ingest, jg api, jg gateway           the parts of jg up, as many processes as you like
  jg status                               how far each topic is
  jg audience list                        sets of members, frozen
  jg game-day fight-night                 rehearse a live event with a million devices
  jg live status                          events in stages, and when the next one begins
  jg store snapshot graph.jgsnapshot      a copy of the graph, while events flow
  jg archive status                       how far topics are archived, and how long each is kept
  jg export nodes Account --out a.parquet for notebooks
  jg dlq retry --dry-run                  which dead letters would pass now
  jg backfill plan --topic my-topic       what archived history would be applied
  jg schema check rides.avsc              is a schema's mapping right
  jg config show --origin                 every setting and where it comes from
`;

const codes = `
Exit codes: 0 fine, 1 failed, 2 wrong use or settings, 3 a person has to act,
4 port in use, 5 a preview shows a loss, or clients would break.`;

type AddCommand = (program: Command, io: CommandIo, finish: (code: ExitCode) => void) => void;

/** Commands of a command, which is given to what `load` answers. */
interface CommandGroup {
  readonly name: string;
  readonly description: string;
  readonly load: () => Promise<AddCommand>;
}

/** In the order of `jg --help`. Groups import rooms that take most of a second, so each is loaded only when a command line names it. */
const commands: readonly (AddCommand | CommandGroup)[] = [
  addUpCommand,
  addIngestCommand,
  addJourneyCommand,
  addQueryCommand,
  {
    name: 'api',
    description:
      'The GraphQL API as a process of its own, its schema, what changes break, types for TypeScript, and the files it goes by.',
    load: async () => (await import('./commands/api.ts')).addApiCommands,
  },
  addStatusCommand,
  addAudienceCommand,
  addGatewayCommand,
  {
    name: 'game-day',
    description: 'Rehearses a live event by a virtual clock and says whether its plan holds.',
    load: async () => (await import('./commands/game-day.ts')).addGameDay,
  },
  {
    name: 'live',
    description: 'Live events: made, moved, entered by hand, ended, and looked at.',
    load: async () => (await import('./commands/live.ts')).addLiveCommands,
  },
  {
    name: 'store',
    description: 'Copies, checks and describes the graph store, of a running server or in a data folder.',
    load: async () => (await import('./commands/store.ts')).addStoreCommands,
  },
  {
    name: 'graph',
    description: 'A second graph beside the live one: listed, compared, switched to, dropped.',
    load: async () => (await import('./commands/graph.ts')).addGraphCommands,
  },
  {
    name: 'export',
    description: 'Writes nodes, edges, steps or an audience as Arrow or Parquet, for notebooks.',
    load: async () => (await import('./commands/export.ts')).addExport,
  },
  {
    name: 'dlq',
    description: 'Dead letters: counted, shown, tried again, and applied when they pass.',
    load: async () => (await import('./commands/dlq.ts')).addDeadLetterCommands,
  },
  {
    name: 'archive',
    description: 'The archive: topics as Iceberg tables, written, looked at, compacted and expired.',
    load: async () => (await import('./commands/archive.ts')).addArchiveCommands,
  },
  {
    name: 'backfill',
    description: 'Archived history, applied again: planned, run, looked at, paused, cancelled.',
    load: async () => (await import('./commands/backfill.ts')).addBackfillCommands,
  },
  addConfigCommand,
  {
    name: 'schema',
    description: 'Event schemas: propose a mapping, check, test, preview, compare and register it.',
    load: async () => (await import('./commands/schema.ts')).addSchemaCommands,
  },
  {
    name: 'mapping',
    description: 'What a mapping can say.',
    load: async () => (await import('./commands/mapping.ts')).addMappingCommands,
  },
];

/** Runs one command line and gives its exit code; never ends the process by itself. */
export async function runProgram(commandLine: readonly string[], io: CommandIo): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  const finish = (ended: ExitCode): void => {
    code = ended;
  };
  const program = new Command('jg')
    .description(
      'Journey Graph: one live graph of what your members do, from the events you already publish.',
    )
    .version(productVersion(), '-V, --version')
    // In front of a command it is the program's; behind one, such as `jg schema show`, the command's own.
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .showHelpAfterError('(jg --help shows what there is)')
    .addHelpText('before', overview)
    .addHelpText('after', codes);
  try {
    for (const command of commands) {
      if (typeof command === 'function') command(program, io, finish);
      else await addGroup(command, program, commandLine, io, finish);
    }
    quieten(program, io);
    await program.parseAsync(commandLine.map(dotted), { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return reportFailure(error, io);
  }
}

async function addGroup(
  { name, description, load }: CommandGroup,
  program: Command,
  commandLine: readonly string[],
  io: CommandIo,
  finish: (code: ExitCode) => void,
): Promise<void> {
  const group = program.command(name).description(description);
  if (!commandLine.includes(name)) return;
  const addCommands = await load();
  addCommands(group, io, finish);
}

/** commander writes and exits on its own unless every command is told not to. */
function quieten(command: Command, io: CommandIo): void {
  command.exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err });
  for (const child of command.commands) quieten(child, io);
}
