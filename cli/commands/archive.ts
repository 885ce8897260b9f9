import type { Command } from 'commander';
import type { CommandIo, ExitCode } from '../command-io.ts';
import { addArchiveCompact } from './archive-compact.ts';
import { addArchiveExpire } from './archive-expire.ts';
import { addArchiveRun } from './archive-run.ts';
import { addArchiveStatus } from './archive-status.ts';

const examples = `Examples:
  jg archive run --bootstrap.servers localhost:9092 --topics plays --schema.registry.url http://localhost:8081
  jg archive status                    how far each topic is, and how long log and archive keep it
  jg archive compact --dry-run         which small files would become one
  jg archive expire --dry-run          which days and snapshots would go
`;

/** `jg archive`: topics as Iceberg tables. */
export function addArchiveCommands(archive: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  archive.addHelpText('before', examples);
  for (const add of [addArchiveRun, addArchiveStatus, addArchiveCompact, addArchiveExpire])
    add(archive, io, finish);
}
