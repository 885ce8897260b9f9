import { OutageError } from '../foundation/index.ts';
import type { PlannedBackfill } from '../ingest/index.ts';
import type { BackfillTarget } from './backfill-target.ts';
import { progressText } from './backfill-text.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from './command-io.ts';
import { StatusLine } from './status-line.ts';

const everyMs = 500;
/** Where standard error is no terminal, a line so often. */
const lineEveryMs = 10_000;

/** Shows a replay until it has ended; gives how. A paused one is waited for. */
export async function followBackfill(
  target: BackfillTarget,
  id: string,
  io: CommandIo,
  options: { readonly quiet?: boolean; readonly json?: boolean; readonly lines?: boolean },
): Promise<PlannedBackfill> {
  const line = new StatusLine(io, options.quiet === true || options.json === true, lineEveryMs);
  try {
    for (;;) {
      const shown = await target.show(id, io.signal);
      if (options.lines === true && options.json === true)
        io.out(`${printableLines(JSON.stringify(shown.progress))}\n`);
      if (hasEnded(shown)) return shown;
      line.show(progressText(shown));
      await io.clock.sleep(everyMs, io.signal);
      if (io.signal.aborted) throw interrupted(target, id);
    }
  } finally {
    line.end();
  }
}

export function exitCodeOf({ progress: { state } }: PlannedBackfill): ExitCode {
  if (state === 'failed') return exitCodes.stopped;
  return state === 'cancelled' ? exitCodes.failed : exitCodes.ok;
}

function hasEnded({ progress: { state } }: PlannedBackfill): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

function interrupted({ goesOn }: BackfillTarget, id: string): OutageError {
  const message = goesOn
    ? `The backfill ${id} goes on in the server: \`jg backfill status ${id} --follow\` shows it, \`pause\` and \`cancel\` stop it.`
    : `The backfill ${id} has stopped; \`jg backfill resume ${id}\` goes on at the row where it is.`;
  return new OutageError('INTERRUPTED', message);
}
