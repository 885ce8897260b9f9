import type { Command } from 'commander';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { renderStats } from '../store-text.ts';
import { addTargetOptions, type StoreOptions, withTarget } from './store-target.ts';

interface StatsOptions extends StoreOptions {
  readonly exact?: boolean;
}

const examples = `Examples:
  jg store stats
  jg store stats --exact --data ./data
  jg store stats --json | jq .bytesOnDisk
`;
const codes = `
Exit codes: 0 fine; 1 the server or the disk failed; 2 wrong use; 3 the folder is in use, damaged or of another version.`;

/** `jg store stats`: what a store holds, on disk and in rows. */
export function addStoreStats(store: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addTargetOptions(store.command('stats'))
    .description(
      'Says what a store holds: files, rows by kind and type (from a sample), positions, times of events.',
    )
    .option('--exact', 'Count every row instead.')
    .addHelpText('before', examples)
    .addHelpText('after', codes)
    .action(async (options: StatsOptions) => {
      const stats = await withTarget(options, io, (target) => target.stats(options.exact === true));
      io.out(
        options.json === true ? `${printableLines(JSON.stringify(stats, null, 2))}\n` : renderStats(stats),
      );
      finish(exitCodes.ok);
    });
}
