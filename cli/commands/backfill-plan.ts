import { resolve } from 'node:path';
import type { Command } from 'commander';
import { renderPlan } from '../backfill-text.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import {
  addBackfillTarget,
  addFilter,
  askOf,
  type BackfillOptions,
  type FilterOptions,
  withBackfills,
} from './backfill-target.ts';

type PlanOptions = BackfillOptions & FilterOptions;

const examples = `Examples:
  jg backfill plan --topic streaming.playback
  jg backfill plan --topic streaming.playback --from 2026-11-01T00:00:00Z --until 2026-11-02T00:00:00Z
  jg backfill plan --topic streaming.playback --partition 0,3 --json
  jg backfill plan --topic rides --source avro --path ./dumps
`;
const more = `
Looks at what the archive says of its files, and at no row. The plan is kept: its
id says which rows of which files would be applied by which mapping.

Exit codes: 0 it may run; 1 the server, the archive or the registry failed; 2
wrong use, or it is refused as it is; 3 a person has to act.
`;

/** `jg backfill plan`: what a replay would do, with counts and an estimate. */
export function addBackfillPlan(backfill: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addFilter(addBackfillTarget(backfill.command('plan')))
    .description('Says what a replay would apply: rows, files, time, and what speaks against it.')
    .addHelpText('before', examples)
    .addHelpText('after', more)
    .action(async (options: PlanOptions) => {
      const ask = askOf(options, resolve);
      const plan = await withBackfills(options, io, (target) => target.plan(ask, io.signal));
      if (options.json === true) io.out(`${printableLines(JSON.stringify(plan, null, 2))}\n`);
      else {
        io.out(renderPlan(plan));
        io.out(
          plan.refusals.length > 0
            ? 'Nothing was changed, and it would not run as it is.\n'
            : `Nothing was changed; \`jg backfill run ${plan.id}\` applies it.\n`,
        );
      }
      finish(plan.refusals.length > 0 ? exitCodes.usage : exitCodes.ok);
    });
}
