import type { Command } from 'commander';
import { RefusedError } from '../../foundation/index.ts';
import { deadLetterBounds } from '../../query-api/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { renderLetterList } from '../dead-letter-text.ts';
import { wholeNumberOf } from '../whole-number.ts';
import { addDeadLetterTarget, type DeadLetterOptions, withDeadLetters } from './dlq-target.ts';

interface ListOptions extends DeadLetterOptions {
  readonly topic?: string;
  readonly reason?: string;
  readonly since?: string;
  readonly limit?: string;
}

const examples = `Examples:
  jg dlq list
  jg dlq list --topic streaming.playback --reason AVRO_TRUNCATED --limit 50
  jg dlq list --since 2026-11-01T00:00:00Z --json
`;
const newestDefault = 10;

/** `jg dlq list`: how many dead letters there are, and why. */
export function addDeadLetterList(dlq: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addDeadLetterTarget(dlq.command('list'))
    .description('Counts dead letters by topic and reason, and names the newest.')
    .option('--topic <name>', 'Of this topic alone.')
    .option('--reason <code>', 'With this code alone, such as AVRO_TRUNCATED.')
    .option('--since <time>', 'Of records from this time on, as 2026-11-01T00:00:00Z.')
    .option('--limit <count>', `Letters named of each topic (default: ${newestDefault}).`)
    .addHelpText('before', examples)
    .action(async (options: ListOptions) => {
      const { topic = null, reason = null, since, limit } = options;
      const newest =
        limit === undefined ? newestDefault : wholeNumberOf('--limit', limit, deadLetterBounds.newestMax);
      const request = { topic, reason, sinceMs: since === undefined ? null : timeOf(since), newest };
      const list = await withDeadLetters(options, io, (target) => target.list(request));
      io.out(
        options.json === true ? `${printableLines(JSON.stringify(list, null, 2))}\n` : renderLetterList(list),
      );
      finish(exitCodes.ok);
    });
}

function timeOf(text: string): number {
  const timeMs = Date.parse(text);
  if (Number.isFinite(timeMs) && timeMs >= 0) return timeMs;
  throw new RefusedError('UNEXPECTED_ARGUMENT', '--since takes a time such as 2026-11-01T00:00:00Z.');
}
