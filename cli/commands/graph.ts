import type { Command } from 'commander';
import { must, OutageError, RefusedError } from '../../foundation/index.ts';
import type { CompareVerdict, GraphDifference } from '../../graph-store/index.ts';
import { behindMaxDefault } from '../../query-api/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { renderComparison, renderDifference, renderGraphs, renderSwitch } from '../graph-text.ts';
import { ProgressLine } from '../progress-line.ts';
import { wholeNumberOf } from '../whole-number.ts';
import { type GraphTarget, graphTarget } from './graph-target.ts';
import { addTargetOptions, type StoreOptions } from './store-target.ts';

interface DiffOptions extends StoreOptions {
  readonly limit: string;
}

interface SwitchOptions extends StoreOptions {
  readonly behind?: string;
}

const examples = `Examples:
  jg graph list                     the graphs of a data folder, and which is live
  jg graph diff live rebuilt        what a second graph says otherwise
  jg graph switch rebuilt           makes it the live one, while everything runs
  jg graph back                     to the one before
  jg graph drop main --data ./data  removes a graph that is not live
`;
const differencesLargest = 100_000;

/** `jg graph`: a second graph beside the live one, compared and switched to. */
export function addGraphCommands(graph: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  graph.addHelpText('before', examples);
  addTargetOptions(graph.command('list'))
    .description('Lists the graphs of a data folder.')
    .action(async (options: StoreOptions) => {
      const graphs = await graphTarget(options, io).list();
      io.out(options.json === true ? json({ graphs }) : renderGraphs(graphs));
      finish(exitCodes.ok);
    });
  addDiff(graph, io, finish);
  addSwitches(graph, io, finish);
  addTargetOptions(graph.command('drop'))
    .description('Removes a graph that is not live, for good.')
    .argument('<name>', 'The graph.')
    .action(async (name: string, options: StoreOptions) => {
      await graphTarget(options, io).drop(name);
      io.out(options.json === true ? json({ dropped: name }) : `${name} was removed.\n`);
      finish(exitCodes.ok);
    });
}

function addDiff(graph: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addTargetOptions(graph.command('diff'))
    .description('Compares two graphs: a digest of each range first, then row by row with lineage.')
    .argument('<one>', '`live`, or a name.')
    .argument('<other>', 'The other graph.')
    .option('--limit <differences>', 'End with so many.', '100')
    .addHelpText(
      'after',
      '\nExit codes: 0 they are equal; 1 they differ, or the server or the disk failed; 2 wrong use.',
    )
    .action(async (one: string, other: string, options: DiffOptions) => {
      const limit = wholeNumberOf('--limit', options.limit, differencesLargest);
      const { differences, verdict } = await compared(
        graphTarget(options, io),
        [one, other],
        limit,
        options,
        io,
      );
      if (options.json === true) io.out(json({ verdict, differences }));
      else io.out(`${differences.map(renderDifference).join('')}${renderComparison(verdict)}`);
      finish(verdict.isEqual ? exitCodes.ok : exitCodes.failed);
    });
}

async function compared(
  target: GraphTarget,
  [one, other]: readonly [string, string],
  limit: number,
  options: StoreOptions,
  io: CommandIo,
): Promise<{ readonly differences: readonly GraphDifference[]; readonly verdict: CompareVerdict }> {
  const progress = new ProgressLine(io, options.quiet === true);
  const differences: GraphDifference[] = [];
  let verdict: CompareVerdict | null = null;
  try {
    for await (const event of target.compare(one, other, limit)) {
      if (io.signal.aborted) throw new OutageError('INTERRUPTED', 'Interrupted; nothing can be said.');
      if (event.kind === 'progress') progress.showRows('Comparing', event.rows);
      else if (event.kind === 'difference') differences.push(event.difference);
      else verdict = event.verdict;
    }
  } finally {
    progress.end();
  }
  return { differences, verdict: must<CompareVerdict>(verdict, 'a comparison ends with its verdict') };
}

function addSwitches(graph: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  const add = (
    command: Command,
    change: (target: GraphTarget, behindMax: bigint) => ReturnType<GraphTarget['back']>,
  ): void => {
    addTargetOptions(command)
      .option(
        '--behind <records>',
        `How many records it may have to read again (default: ${behindMaxDefault}).`,
      )
      .action(async () => {
        const options: SwitchOptions = command.opts();
        const switched = await change(graphTarget(options, io), behindOf(options));
        io.out(options.json === true ? json(switched) : renderSwitch(switched));
        finish(exitCodes.ok);
      });
  };
  const to = graph
    .command('switch')
    .description('Makes a graph the live one, while everything runs; it reads on where it stands.')
    .argument('<name>', 'The graph.');
  add(to, (target, behindMax) => target.switchTo(to.args[0] ?? '', behindMax));
  add(graph.command('back').description('Makes the graph before the live one again.'), (target, behindMax) =>
    target.back(behindMax),
  );
}

function behindOf({ behind }: SwitchOptions): bigint {
  if (behind === undefined) return behindMaxDefault;
  if (/^\d{1,18}$/.test(behind)) return BigInt(behind);
  throw new RefusedError('UNEXPECTED_ARGUMENT', '--behind takes a whole number of records.');
}

function json(answer: unknown): string {
  return `${printableLines(JSON.stringify(answer, null, 2))}\n`;
}
