import type { Command } from 'commander';
import type { CommandIo, ExitCode } from '../command-io.ts';
import { addBackfillChanges } from './backfill-change.ts';
import { addBackfillPlan } from './backfill-plan.ts';
import { addBackfillRun } from './backfill-run.ts';
import { addBackfillStatus } from './backfill-status.ts';

const examples = `Examples:
  jg backfill plan --topic streaming.playback    what a replay would do
  jg backfill run <plan>                         do it, with a progress bar
  jg backfill status                             all of them
  jg backfill pause <plan>                       and resume, cancel
`;

/** `jg backfill`: archived history, applied again. */
export function addBackfillCommands(
  backfill: Command,
  io: CommandIo,
  finish: (code: ExitCode) => void,
): void {
  backfill.addHelpText('before', examples);
  for (const add of [addBackfillPlan, addBackfillRun, addBackfillStatus, addBackfillChanges])
    add(backfill, io, finish);
}
