import type { Command } from 'commander';
import { countText, must } from '../../foundation/index.ts';
import { encodeSource } from '../../graph-store/index.ts';
import { type CommandIo, type ExitCode, exitCodes } from '../command-io.ts';
import { megabytes, ProgressLine } from '../progress-line.ts';
import { checkFree, saveSnapshot } from '../store-snapshot-file.ts';
import { renderSources } from '../store-text.ts';
import { addTargetOptions, type StoreOptions, withTarget } from './store-target.ts';

interface SnapshotOptions extends StoreOptions {
  readonly force?: boolean;
}

const examples = `Examples:
  jg store snapshot graph.jgsnapshot
  jg store snapshot graph.jgsnapshot --url http://127.0.0.1:4100
  jg store snapshot graph.jgsnapshot --data ./data
`;
const codes = `
Exit codes: 0 written and whole; 1 the server, the disk or the store failed; 2 wrong use, or the file exists;
3 the folder is in use, damaged or of another version. Unless it is 0, no file was written.`;

/** `jg store snapshot`: the graph at one position in a file, while events go on being applied. */
export function addStoreSnapshot(store: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addTargetOptions(store.command('snapshot'))
    .description('Writes the graph at one position, with positions and times to live, into a file.')
    .argument('<file>', 'The file to write.')
    .option('--force', 'Replace the file if it exists, once the new one is whole.')
    .addHelpText('before', examples)
    .addHelpText('after', codes)
    .action(async (path: string, options: SnapshotOptions) => {
      checkFree(path, options.force === true);
      const progress = new ProgressLine(io, options.quiet === true);
      const { reader, fileBytes } = await withTarget(options, io, async (target) => {
        try {
          return await saveSnapshot(path, await target.snapshot(), io, progress);
        } finally {
          progress.end();
        }
      });
      const footer = must(reader.footer, 'a snapshot that was skimmed to its end has a footer');
      const sources = reader.header.sources.map(encodeSource);
      if (options.json === true) {
        io.out(`${JSON.stringify({ file: path, fileBytes, ...footer, sources }, null, 2)}\n`);
      } else {
        const seconds = (progress.elapsedMs / 1000).toFixed(1);
        io.out(
          `${path}: ${countText(footer.rows)} rows, ${megabytes(fileBytes)} in ${seconds} s, digest ${footer.digest}\n`,
        );
        io.out(renderSources(sources));
      }
      finish(exitCodes.ok);
    });
}
