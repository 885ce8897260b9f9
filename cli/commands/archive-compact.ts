import type { Command } from 'commander';
import type { Settings } from '../../config/index.ts';
import { countText } from '../../foundation/index.ts';
import { type CompactionPlan, type CompactionReport, compact, planCompaction } from '../../ingest/index.ts';
import { tablesOf } from '../archive-tables.ts';
import { compactionLimits, compactionParts } from '../archive-upkeep.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from '../command-io.ts';
import { openArchive } from '../open-archive.ts';
import { megabytes, ProgressLine } from '../progress-line.ts';
import { renderTable } from '../table.ts';
import { type ArchiveOptions, addArchiveFlags, archiveSettings } from './archive-options.ts';

const examples = `Examples:
  jg archive compact --topics plays --dry-run
  jg archive compact --archive.topics plays --archive.compact.bytes 256MiB
  jg archive compact --config jg.yaml --json
`;
const codes = `
Safe beside archivers and readers: each group of files is one commit, read again before it is made. The old files stay
until they expire (jg archive expire).
Exit codes: 0 done, or nothing to do; 1 the archive did not answer; 2 wrong use or settings; 3 a file is damaged.`;

/** `jg archive compact`: small files become large ones. */
export function addArchiveCompact(archive: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addArchiveFlags(archive.command('compact'))
    .description('Rewrites small files of a partition and day into large ones.')
    .option('--dry-run', 'Say what would be done.')
    .option('--quiet', 'No progress line.')
    .addHelpText('before', examples)
    .addHelpText('after', codes)
    .action(async (options: ArchiveOptions, command: Command) => {
      finish(await compactTopics(archiveSettings(command), options, io));
    });
}

interface Compacted {
  readonly topic: string;
  readonly plan: CompactionPlan;
  readonly report: CompactionReport | null;
}

export async function compactTopics(
  settings: Settings,
  options: ArchiveOptions,
  io: CommandIo,
): Promise<ExitCode> {
  const archive = openArchive(settings, io);
  const progress = new ProgressLine(io, options.quiet === true);
  const limits = compactionLimits(settings, io.clock.now());
  const done: Compacted[] = [];
  try {
    for (const table of await tablesOf(settings, archive)) {
      const { topic } = table;
      const parts = compactionParts(archive, table, io);
      const plan = await planCompaction(parts, limits);
      const onRows = (rows: number): void => progress.showRows(`Compacting ${printable(topic)}`, rows);
      const isWanted = options.dryRun !== true && plan.refusal === null;
      const report = isWanted ? await compact(parts, plan, limits, onRows, io.signal) : null;
      done.push({ topic, plan, report });
      if (io.signal.aborted) break;
    }
  } finally {
    progress.end();
    archive.close();
  }
  io.out(
    options.json === true ? `${printableLines(JSON.stringify(done.map(jsonOf), null, 2))}\n` : textOf(done),
  );
  return exitCodes.ok;
}

function jsonOf({ topic, plan, report }: Compacted): object {
  const files = plan.groups.flat().map(({ file }) => file);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const planned = { groups: plan.groups.length, files: files.length, bytes };
  return { topic, refusal: plan.refusal, planned, done: report };
}

function textOf(done: readonly Compacted[]): string {
  const rows = done.map(({ topic, plan, report }) => {
    const files = plan.groups.flat();
    const bytes = files.reduce((sum, { file }) => sum + file.bytes, 0);
    const what = `${countText(files.length)} files, ${megabytes(bytes)}`;
    const into =
      report === null
        ? `${countText(plan.groups.length)} files`
        : `${countText(report.groups)} files, ${megabytes(report.bytesAfter)}`;
    const remark =
      plan.refusal ?? (report !== null && report.conflicts > 0 ? 'some were changed meanwhile' : '');
    return [topic, what, report === null ? `would become ${into}` : `became ${into}`, remark];
  });
  return renderTable(['topic', 'small', 'large', 'remark'], rows);
}
