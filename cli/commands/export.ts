import { existsSync } from 'node:fs';
import { basename, dirname, extname } from 'node:path';
import type { Command } from 'commander';
import { LocalObjectStore, readTableSummary, type TableSummary } from '../../archive/index.ts';
import { countText, OutageError, RefusedError } from '../../foundation/index.ts';
import type { GraphTable, SourceJson } from '../../graph-store/index.ts';
import type { TableFormat } from '../../query-api/index.ts';
import { type CommandIo, type ExitCode, exitCodes } from '../command-io.ts';
import { megabytes, ProgressLine } from '../progress-line.ts';
import { addRegistryOptions } from '../schema-registry-access.ts';
import { renderSources } from '../store-text.ts';
import { drained, writeWhole } from '../whole-file.ts';
import { addTargetOptions, type StoreOptions, type StoreTarget, withTarget } from './store-target.ts';

interface ExportOptions extends StoreOptions {
  readonly out: string;
  readonly format?: string;
  readonly force?: boolean;
  readonly undeclared?: boolean;
}

const examples = `Examples:
  jg export nodes Account --out accounts.parquet
  jg export edges WATCHED --out watched.arrow
  jg export steps --out steps.parquet --data ./data
  jg export audience aud-1 --out members.parquet
`;
const codes = `
Each file holds one position of the graph, which its metadata names. Several files of one position: jg store snapshot,
jg store restore into another folder, then jg export --data that folder.

Exit codes: 0 written and whole; 1 the server, the disk or the store failed; 2 wrong use, or the file exists;
3 the folder is in use, damaged or of another version. Unless it is 0, no file was written.`;

/** `jg export`: a table of the graph, for notebooks. */
export function addExport(command: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addRegistryOptions(addTargetOptions(command))
    .argument('<table>', 'nodes, edges, steps or audience.')
    .argument('[name]', 'The node type, the edge type, or the id of the audience.')
    .requiredOption('--out <file>', 'The file to write.')
    .option('--format <format>', 'arrow or parquet (default: as the file is called).')
    .option('--undeclared', 'Also of a type that no mapping in force declares.')
    .option('--force', 'Replace the file if it exists, once the new one is whole.')
    .addHelpText('before', examples)
    .addHelpText('after', codes)
    .action(async (table: string, name: string | undefined, options: ExportOptions) => {
      const { out } = options;
      const format = formatOf(options);
      const ask = questionOf(table, name, format, options.undeclared === true);
      if (existsSync(out) && options.force !== true) throw exists(out);
      const progress = new ProgressLine(io, options.quiet === true);
      const summary = await withTarget(options, io, async (target) => {
        try {
          return await writeWhole(out, io, {
            bytes: await ask(target),
            failed: (reason, cause) => unwritable(out, reason, cause),
            wrote: (total) => progress.showBytes(`Writing ${out}`, total),
            check: async (written, path) => {
              await drained(written);
              return await readTableSummary(new LocalObjectStore(dirname(path)), basename(path), format);
            },
          });
        } finally {
          progress.end();
        }
      });
      show(out, summary, progress.elapsedMs, options.json === true, io);
      finish(exitCodes.ok);
    });
}

function formatOf({ format, out }: ExportOptions): TableFormat {
  const meant = format ?? extname(out).slice(1);
  if (meant === 'arrow' || meant === 'parquet') return meant;
  throw new RefusedError(
    'EXPORT_FORMAT',
    `"${meant}" is no format of an export: pass --format arrow or --format parquet.`,
  );
}

function questionOf(
  kind: string,
  name: string | undefined,
  format: TableFormat,
  undeclared: boolean,
): (target: StoreTarget) => Promise<AsyncIterable<Uint8Array>> {
  if (kind === 'audience' && name !== undefined) return (target) => target.members(name, format);
  const table = tableOf(kind, name);
  if (table !== null) return (target) => target.table({ table, format, undeclared });
  throw new RefusedError('EXPORT_TABLE', 'Name a table: nodes TYPE, edges TYPE, steps, or audience ID.');
}

function tableOf(kind: string, name: string | undefined): GraphTable | null {
  if (kind === 'steps') return name === undefined ? { kind } : null;
  return (kind === 'nodes' || kind === 'edges') && name !== undefined ? { kind, type: name } : null;
}

function exists(path: string): RefusedError {
  return new RefusedError(
    'EXPORT_FILE_EXISTS',
    `There is a file ${path} already; name another, or pass --force to replace it.`,
  );
}

function unwritable(path: string, reason: string, cause: unknown): OutageError {
  return new OutageError(
    'EXPORT_WRITE_FAILED',
    `The file ${path} cannot be written (${reason}): free space, or name another place.`,
    { cause },
  );
}

function show(
  out: string,
  { bytes, rows, about }: TableSummary,
  tookMs: number,
  asJson: boolean,
  io: CommandIo,
): void {
  const positions = about['journey_graph.positions'];
  const sources: readonly SourceJson[] = positions === undefined ? [] : JSON.parse(positions);
  if (asJson) {
    io.out(
      `${JSON.stringify({ file: out, fileBytes: bytes, rows, takenAt: about['journey_graph.taken_at'], sources }, null, 2)}\n`,
    );
    return;
  }
  io.out(`${out}: ${countText(rows)} rows, ${megabytes(bytes)} in ${(tookMs / 1000).toFixed(1)} s\n`);
  io.out(renderSources(sources));
}
