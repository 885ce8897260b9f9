import type { Command } from 'commander';
import type { ExpiryReport } from '../../archive/index.ts';
import type { Settings } from '../../config/index.ts';
import { countText } from '../../foundation/index.ts';
import { type ExpiryPlan, expire, planExpiry } from '../../ingest/index.ts';
import { tablesOf } from '../archive-tables.ts';
import { expiryLimits } from '../archive-upkeep.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { openArchive } from '../open-archive.ts';
import { megabytes } from '../progress-line.ts';
import { renderTable } from '../table.ts';
import { type ArchiveOptions, addArchiveFlags, archiveSettings } from './archive-options.ts';

const examples = `Examples:
  jg archive expire --archive.topics plays --archive.retention plays=365d --dry-run
  jg archive expire --config jg.yaml
`;
const codes = `
Rows leave a table by whole days; rows without a timestamp stay. Their files are removed once no snapshot that is kept
has them: after archive.snapshots.ms, when expire runs again. The newest snapshot that knows positions always stays.
Exit codes: 0 done, or nothing to do; 1 the archive did not answer; 2 wrong use or settings; 3 a table is damaged.`;

/** `jg archive expire`: old days, old snapshots, and files that nothing refers to. */
export function addArchiveExpire(archive: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addArchiveFlags(archive.command('expire'))
    .description(
      'Takes out days beyond archive.retention, forgets old snapshots, removes files that nothing has.',
    )
    .option('--dry-run', 'Say what would be done.')
    .addHelpText('before', examples)
    .addHelpText('after', codes)
    .action(async (options: ArchiveOptions, command: Command) => {
      finish(await expireTopics(archiveSettings(command), options, io));
    });
}

interface Expired {
  readonly topic: string;
  readonly plan: ExpiryPlan;
  readonly report: ExpiryReport | null;
}

export async function expireTopics(
  settings: Settings,
  options: ArchiveOptions,
  io: CommandIo,
): Promise<ExitCode> {
  const archive = openArchive(settings, io);
  const nowMs = io.clock.now();
  const done: Expired[] = [];
  try {
    for (const { topic, table } of await tablesOf(settings, archive)) {
      const limits = expiryLimits(settings, topic, nowMs);
      const plan = await planExpiry(table, limits);
      done.push({ topic, plan, report: options.dryRun === true ? null : await expire(table, plan, limits) });
      if (io.signal.aborted) break;
    }
    if (options.dryRun !== true)
      await archive.store.removeLeftovers(nowMs - settings['archive.snapshots.ms']);
  } finally {
    archive.close();
  }
  io.out(
    options.json === true ? `${printableLines(JSON.stringify(done.map(jsonOf), null, 2))}\n` : textOf(done),
  );
  return exitCodes.ok;
}

function jsonOf({ topic, plan, report }: Expired): object {
  const { rows, bytes, snapshots } = plan;
  return { topic, leaving: { files: plan.files.length, rows, bytes }, snapshots, done: report };
}

function textOf(done: readonly Expired[]): string {
  const rows = done.map(({ topic, plan, report }) => [
    topic,
    `${countText(plan.rows)} rows, ${megabytes(plan.bytes)}`,
    countText(report?.snapshots ?? plan.snapshots),
    report === null ? 'not removed: a dry run' : `${countText(report.files + report.orphans)} removed`,
  ]);
  return renderTable(['topic', 'leaving the table', 'snapshots', 'files'], rows);
}
