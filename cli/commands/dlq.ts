import type { Command } from 'commander';
import type { CommandIo, ExitCode } from '../command-io.ts';
import { addDeadLetterList } from './dlq-list.ts';
import { addDeadLetterRetry } from './dlq-retry.ts';
import { addDeadLetterShow } from './dlq-show.ts';

const examples = `Examples:
  jg dlq list                              how many dead letters there are, and why
  jg dlq show streaming.playback 1 4711    one of them
  jg dlq retry --dry-run                   what would pass now
  jg dlq retry                             the same, then apply what passes
`;

/** `jg dlq`: dead letters, looked at and applied again. */
export function addDeadLetterCommands(dlq: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  dlq.addHelpText('before', examples);
  for (const add of [addDeadLetterList, addDeadLetterShow, addDeadLetterRetry]) add(dlq, io, finish);
}
