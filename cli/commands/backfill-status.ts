import type { Command } from 'commander';
import { exitCodeOf, followBackfill } from '../backfill-follow.ts';
import { renderBackfill, renderBackfills } from '../backfill-text.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { addBackfillTarget, type BackfillOptions, withBackfills } from './backfill-target.ts';

interface StatusOptions extends BackfillOptions {
  readonly follow?: boolean;
}

const examples = `Examples:
  jg backfill status
  jg backfill status 5c1f0e8a7b3d42961f0e8a7b3d429c5c --follow
  jg backfill status 5c1f0e8a7b3d42961f0e8a7b3d429c5c --json | jq .progress.etaMs
`;
const more = `
Exit codes: 0 fine; 1 the server failed, or the one that was followed was
cancelled; 2 there is no such plan; 3 one has failed, and a person has to act.
`;

/** `jg backfill status`: all replays, or how far one is. */
export function addBackfillStatus(backfill: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addBackfillTarget(backfill.command('status'))
    .description('Lists replays and plans, or says how far one is.')
    .argument('[plan]', 'Its id.')
    .option('--follow', 'Until it has ended; with --json an object a line.')
    .addHelpText('before', examples)
    .addHelpText('after', more)
    .action(async (id: string | undefined, options: StatusOptions) => {
      await withBackfills(options, io, async (target) => {
        if (id === undefined) {
          const list = await target.list(io.signal);
          const hasFailed = list.backfills.some(({ progress }) => progress.state === 'failed');
          io.out(options.json === true ? jsonOf(list) : renderBackfills(list));
          return finish(hasFailed ? exitCodes.stopped : exitCodes.ok);
        }
        const isFollowed = options.follow === true;
        const shown = isFollowed
          ? await followBackfill(target, id, io, { ...options, lines: true })
          : await target.show(id, io.signal);
        if (options.json !== true) io.out(renderBackfill(shown));
        else if (!isFollowed) io.out(jsonOf(shown));
        const isFine = !isFollowed && shown.progress.state === 'cancelled';
        finish(isFine ? exitCodes.ok : exitCodeOf(shown));
      });
    });
}

function jsonOf(answer: object): string {
  return `${printableLines(JSON.stringify(answer, null, 2))}\n`;
}
