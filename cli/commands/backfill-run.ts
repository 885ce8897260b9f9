import { resolve } from 'node:path';
import type { Command } from 'commander';
import { RefusedError } from '../../foundation/index.ts';
import type { PlannedBackfill, PlanSummary } from '../../ingest/index.ts';
import { exitCodeOf, followBackfill } from '../backfill-follow.ts';
import type { BackfillTarget } from '../backfill-target.ts';
import { renderBackfill, renderPlan } from '../backfill-text.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import {
  addBackfillTarget,
  addFilter,
  askOf,
  type BackfillOptions,
  type FilterOptions,
  withBackfills,
} from './backfill-target.ts';

interface RunOptions extends BackfillOptions, FilterOptions {
  /** Absent: of a plan that was looked at, no; of what is planned now, yes. */
  readonly dryRun?: boolean;
  readonly detach?: boolean;
}

const examples = `Examples:
  jg backfill run 5c1f0e8a7b3d42961f0e8a7b3d429c5c     a plan that was looked at
  jg backfill run --topic streaming.playback           a dry run
  jg backfill run --topic streaming.playback --no-dry-run
  jg backfill run --topic rides --source avro --path ./dumps --no-dry-run --detach
`;
const more = `
Applies archived records to the graph as a life of their own: positions of the
topic are not moved, nothing is sent to it, and what was applied already is
applied to no effect. Live events go first. Killed, it goes on at the row where it
was: a server by itself at its next start, a folder with \`jg backfill resume\`.

Exit codes: 0 done, or a dry run that may run; 1 interrupted, cancelled, or
the server or the archive failed; 2 wrong use, or refused; 3 it failed, and a
person has to act.
`;

/** `jg backfill run`: applies a plan, with a progress bar. */
export function addBackfillRun(backfill: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addFilter(addBackfillTarget(backfill.command('run')))
    .description(
      'Replays archived history into the graph; a dry run unless a plan is named or --no-dry-run said.',
    )
    .argument('[plan]', 'The id of a plan that `jg backfill plan` has made.')
    .option('--dry-run', 'Only say what would be done (default without a plan).')
    .option('--no-dry-run', 'Do it.')
    .option('--detach', 'Let the server go on alone, and say the id.')
    .addHelpText('before', examples)
    .addHelpText('after', more)
    .action(async (id: string | undefined, options: RunOptions) => {
      if (id !== undefined && options.topic !== undefined)
        throw new RefusedError('UNEXPECTED_ARGUMENT', 'Name a plan or what is to be planned, not both.');
      const isDry = options.dryRun ?? id === undefined;
      await withBackfills(options, io, async (target) => {
        if (isDry) finish(sayPlan(await planOf(target, id, options, io), options, io));
        else finish(await apply(target, id, options, io));
      });
    });
}

async function planOf(
  target: BackfillTarget,
  id: string | undefined,
  options: RunOptions,
  io: CommandIo,
): Promise<PlanSummary> {
  if (id !== undefined) return (await target.show(id, io.signal)).plan;
  return await target.plan(askOf(options, resolve), io.signal);
}

function sayPlan(plan: PlanSummary, { json }: RunOptions, io: CommandIo): ExitCode {
  if (json === true) io.out(`${printableLines(JSON.stringify({ plan, progress: null }, null, 2))}\n`);
  else io.out(`${renderPlan(plan)}Nothing was changed: this was a dry run; --no-dry-run does it.\n`);
  return plan.refusals.length > 0 ? exitCodes.usage : exitCodes.ok;
}

async function apply(
  target: BackfillTarget,
  id: string | undefined,
  options: RunOptions,
  io: CommandIo,
): Promise<ExitCode> {
  if (options.detach === true && !target.goesOn)
    throw new RefusedError(
      'UNEXPECTED_ARGUMENT',
      '--detach needs a server: with --data the command itself does it.',
    );
  const started = await target.run(id ?? askOf(options, resolve), io.signal);
  if (options.json !== true && options.quiet !== true) io.err(`Backfill ${started.plan.id}\n`);
  if (options.detach === true) {
    say(started, options, io, `${started.plan.id}\n`);
    return exitCodes.ok;
  }
  const ended = await followBackfill(target, started.plan.id, io, options);
  say(ended, options, io, renderBackfill(ended));
  return exitCodeOf(ended);
}

function say(shown: PlannedBackfill, { json }: RunOptions, io: CommandIo, text: string): void {
  io.out(json === true ? `${printableLines(JSON.stringify(shown, null, 2))}\n` : text);
}
