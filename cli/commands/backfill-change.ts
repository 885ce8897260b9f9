import type { Command } from 'commander';
import type { PlannedBackfill } from '../../ingest/index.ts';
import { exitCodeOf, followBackfill } from '../backfill-follow.ts';
import type { BackfillTarget } from '../backfill-target.ts';
import { renderBackfill } from '../backfill-text.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { addBackfillTarget, type BackfillOptions, withBackfills } from './backfill-target.ts';

interface ChangeOptions extends BackfillOptions {
  readonly forget?: boolean;
}

const texts = {
  pause: 'Lets a replay wait, also over restarts; what was read is applied.',
  resume: 'Goes on with a replay that was paused, has failed or was interrupted.',
  cancel: 'Ends a replay for good; what it applied stays.',
} as const;

const codes = `
Exit codes: 0 fine; 1 the server or the archive failed; 2 there is no such plan,
or it cannot be done to it; 3 it has failed, and a person has to act.
`;

/** `jg backfill pause`, `resume` and `cancel`. */
export function addBackfillChanges(backfill: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  for (const name of ['pause', 'resume', 'cancel'] as const) {
    const command = addBackfillTarget(backfill.command(name));
    if (name === 'cancel')
      command.option('--forget', 'And list it no longer; of one that is done or has failed as well.');
    command
      .description(texts[name])
      .argument('<plan>', 'Its id.')
      .addHelpText('before', `Examples:\n  jg backfill ${name} 5c1f0e8a7b3d42961f0e8a7b3d429c5c\n`)
      .addHelpText('after', codes)
      .action(async (id: string, options: ChangeOptions) => {
        const what = options.forget === true ? 'forget' : name;
        const shown = await withBackfills(options, io, (target) => change(target, what, id, io, options));
        const isJson = options.json === true;
        io.out(isJson ? `${printableLines(JSON.stringify(shown, null, 2))}\n` : renderBackfill(shown));
        finish(name === 'resume' ? exitCodeOf(shown) : exitCodes.ok);
      });
  }
}

/** Without a server the command itself is what goes on. */
async function change(
  target: BackfillTarget,
  name: 'pause' | 'resume' | 'cancel' | 'forget',
  id: string,
  io: CommandIo,
  options: BackfillOptions,
): Promise<PlannedBackfill> {
  const shown = await target[name](id, io.signal);
  return name === 'resume' && !target.goesOn ? await followBackfill(target, id, io, options) : shown;
}
