import type { Command } from 'commander';
import { OutageError } from '../../foundation/index.ts';
import type { StoreVerdict } from '../../graph-store/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { ProgressLine } from '../progress-line.ts';
import { renderVerdict } from '../store-text.ts';
import { addTargetOptions, type StoreOptions, type StoreTarget, withTarget } from './store-target.ts';

const faultsMax = 100;
const examples = `Examples:
  jg store verify
  jg store verify --data ./data
  jg store verify --json | jq .digest
`;
const codes = `
Exit codes: 0 every row is in order; 1 some are not (they are named), or the server or the disk failed; 2 wrong use;
3 the folder is in use, damaged or of another version.`;

/** `jg store verify`: reads every row of a store and says what is wrong. */
export function addStoreVerify(store: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addTargetOptions(store.command('verify'))
    .description(
      'Reads every row: is each in order, has each edge both its sides, what are counts and digest.',
    )
    .addHelpText('before', examples)
    .addHelpText('after', codes)
    .action(async (options: StoreOptions) => {
      const progress = new ProgressLine(io, options.quiet === true);
      const verdict = await withTarget(options, io, (target) => verdictOf(target, io, progress));
      io.out(
        options.json === true
          ? `${printableLines(JSON.stringify(verdict, null, 2))}\n`
          : renderVerdict(verdict),
      );
      finish(verdict.faults === 0 ? exitCodes.ok : exitCodes.failed);
    });
}

async function verdictOf(target: StoreTarget, io: CommandIo, progress: ProgressLine): Promise<StoreVerdict> {
  try {
    for await (const event of target.verify(faultsMax)) {
      if (event.kind === 'verdict') return event.verdict;
      if (io.signal.aborted) break;
      progress.showRows('Verifying', event.rows);
    }
  } finally {
    progress.end();
  }
  throw new OutageError('INTERRUPTED', 'Verifying was interrupted; nothing can be said.');
}
