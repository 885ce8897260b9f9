import type { Command } from 'commander';
import { RefusedError } from '../../foundation/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { renderLetter } from '../dead-letter-text.ts';
import { addDeadLetterTarget, type DeadLetterOptions, withDeadLetters } from './dlq-target.ts';

interface ShowOptions extends DeadLetterOptions {
  readonly value?: boolean;
}

const examples = `Examples:
  jg dlq show streaming.playback 1 4711        where the record was
  jg dlq show streaming.playback.dlq 1 12      where its letter lies
  jg dlq show streaming.playback 1 4711 --value
`;

/** `jg dlq show`: one letter. Its value only when asked for. */
export function addDeadLetterShow(dlq: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addDeadLetterTarget(dlq.command('show'))
    .description('Shows one dead letter: its places, its reason, and what would become of it now.')
    .argument('<topic>', 'The topic, or <topic>.dlq.')
    .argument('<partition>', 'Its partition.')
    .argument('<offset>', 'The offset in it.')
    .option('--value', 'With the value: personal data, maybe.')
    .addHelpText('before', examples)
    .action(async (topic: string, partition: string, offset: string, options: ShowOptions) => {
      const place = placeOf(partition, offset);
      const request = { topic, ...place, withValue: options.value === true };
      const letter = await withDeadLetters(options, io, (target) => target.show(request));
      io.out(
        options.json === true ? `${printableLines(JSON.stringify(letter, null, 2))}\n` : renderLetter(letter),
      );
      finish(exitCodes.ok);
    });
}

function placeOf(partition: string, offset: string): { readonly partition: number; readonly offset: bigint } {
  if (/^\d{1,6}$/.test(partition) && /^\d{1,18}$/.test(offset))
    return { partition: Number(partition), offset: BigInt(offset) };
  throw new RefusedError('UNEXPECTED_ARGUMENT', 'A partition and an offset are whole numbers from 0.');
}
