import type { Command } from 'commander';
import type { RetryEvent, TopicRetry, TopicTrial } from '../../ingest/index.ts';
import { deadLetterBounds } from '../../query-api/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { renderRetried, renderTrial } from '../dead-letter-text.ts';
import { ProgressLine } from '../progress-line.ts';
import { wholeNumberOf } from '../whole-number.ts';
import { addDeadLetterTarget, type DeadLetterOptions, withDeadLetters } from './dlq-target.ts';

interface RetryOptions extends DeadLetterOptions {
  readonly topic?: string;
  readonly limit?: string;
  readonly dryRun?: boolean;
}

const examples = `Examples:
  jg dlq retry --dry-run
  jg dlq retry --topic streaming.playback
  jg dlq retry --data ./data --json
`;
const more = `
Each letter goes the way of its topic's records, with the schemas, mappings and
tables of now. What passes is applied to the graph, once; nothing is sent to the
topic, and no other consumer sees anything of it. What still fails stays where
it is, and so do later letters of its key ("held"). Interrupted or killed, the
next retry goes on from there.

Exit codes: 0 fine, also when letters still fail; 1 the server, Kafka, the
registry or the disk failed; 2 wrong use; 3 the folder is in use, or a person
has to act.
`;

/** `jg dlq retry`: says what would pass now and, without `--dry-run`, applies that. */
export function addDeadLetterRetry(dlq: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  const { limitDefault, limitMax } = deadLetterBounds;
  addDeadLetterTarget(dlq.command('retry'))
    .description('Tries dead letters again, says which pass now, then applies those.')
    .option('--dry-run', 'Only say it.')
    .option('--topic <name>', 'Of this topic alone.')
    .option('--limit <count>', `Letters looked at in each partition (default: ${limitDefault}).`)
    .addHelpText('before', examples)
    .addHelpText('after', more)
    .action(async (options: RetryOptions) => {
      const limit =
        options.limit === undefined ? limitDefault : wholeNumberOf('--limit', options.limit, limitMax);
      const request = { topic: options.topic ?? null, limit, dryRun: options.dryRun === true };
      const isJson = options.json === true;
      const { trial, applied } = await withDeadLetters(options, io, (target) =>
        follow(target.retry(request), io, options.quiet === true, isJson),
      );
      if (isJson) io.out(`${printableLines(JSON.stringify({ trial, applied }, null, 2))}\n`);
      else if (applied === null) io.out('Nothing was changed: without --dry-run what passes is applied.\n');
      else io.out(renderRetried(applied));
      finish(exitCodes.ok);
    });
}

interface Outcome {
  readonly trial: readonly TopicTrial[];
  readonly applied: readonly TopicRetry[] | null;
}

/** The trial is said before anything is waited for that comes after it. */
async function follow(
  events: AsyncIterable<RetryEvent>,
  io: CommandIo,
  isQuiet: boolean,
  isJson: boolean,
): Promise<Outcome> {
  const progress = new ProgressLine(io, isQuiet);
  let trial: Outcome['trial'] = [];
  let applied: Outcome['applied'] = null;
  try {
    for await (const event of events) {
      if (event.kind === 'progress') {
        progress.showLetters(event.doing === 'trying' ? 'Trying' : 'Applying', event.letters);
        continue;
      }
      progress.end();
      if (event.kind === 'applied') applied = event.topics;
      else {
        trial = event.topics;
        if (!isJson) io.out(renderTrial(trial));
      }
    }
  } finally {
    progress.end();
  }
  return { trial, applied };
}
