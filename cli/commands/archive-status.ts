import type { Command } from 'commander';
import type { Settings } from '../../config/index.ts';
import { JourneyGraphError } from '../../foundation/index.ts';
import { type LogState, reportTopic, type TopicArchiveReport } from '../../ingest/index.ts';
import { openArchiveSession } from '../archive-session.ts';
import { renderReports } from '../archive-text.ts';
import { archivedTopics, archiveRetentionMs } from '../archivers.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from '../command-io.ts';
import type { Events } from '../events.ts';
import { type Archive, openArchive } from '../open-archive.ts';
import { tableWidth } from '../table.ts';
import { type ArchiveOptions, addArchiveFlags, archiveSettings } from './archive-options.ts';

const examples = `Examples:
  jg archive status --bootstrap.servers localhost:9092 --topics plays --schema.registry.url http://localhost:8081
  jg archive status --data ./data      of the embedded log, while no server reads it
  jg archive status --json | jq '.[] | {topic, behind: .log.lagRecords}'
`;
const codes = `
Exit codes: 0 all topics are shown; 1 the archive did not answer; 2 wrong use or settings; 3 a table is damaged, or
records left the log before they were archived. A log that does not answer is shown as "?".`;

/** `jg archive status`: log and archive side by side. */
export function addArchiveStatus(archive: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addArchiveFlags(archive.command('status'))
    .description(
      'How far each topic is archived, what its table holds, and how long log and archive keep it.',
    )
    .addHelpText('before', examples)
    .addHelpText('after', codes)
    .action(async (options: ArchiveOptions, command: Command) => {
      finish(await showStatus(archiveSettings(command), options, io));
    });
}

export async function showStatus(
  settings: Settings,
  options: ArchiveOptions,
  io: CommandIo,
): Promise<ExitCode> {
  const { reports, missing } = await collect(settings, io);
  io.out(
    options.json === true
      ? `${printableLines(JSON.stringify(reports, null, 2))}\n`
      : renderReports(reports, io.clock.now(), tableWidth(io)),
  );
  if (missing.length > 0)
    io.err(`Not archived yet: ${missing.map(printable).join(', ')}. jg archive run archives them.\n`);
  const isLost = reports.some(({ log }) => log?.partitions.some(({ missed }) => missed > 0) === true);
  return isLost ? exitCodes.stopped : exitCodes.ok;
}

interface Collected {
  readonly reports: readonly TopicArchiveReport[];
  readonly missing: readonly string[];
}

async function collect(settings: Settings, io: CommandIo): Promise<Collected> {
  try {
    await using session = await openArchiveSession(settings, io);
    const { archive, events } = session;
    return await reportAll(archivedTopics(settings, events), archive, events, settings, io);
  } catch (error) {
    if (!(error instanceof JourneyGraphError) || error.code !== 'LOG_LOCKED') throw error;
    const topics = settings['archive.topics'].length > 0 ? settings['archive.topics'] : settings.topics;
    io.err(
      `A server reads the embedded log: what it has is not shown${topics.length > 0 ? '' : '; name topics with --topics'}.\n`,
    );
    const archive = openArchive(settings, io);
    try {
      return await reportAll(topics, archive, null, settings, io);
    } finally {
      archive.close();
    }
  }
}

async function reportAll(
  topics: readonly string[],
  archive: Archive,
  events: Events | null,
  settings: Settings,
  io: CommandIo,
): Promise<Collected> {
  const reports: TopicArchiveReport[] = [];
  const missing: string[] = [];
  for (const topic of topics) {
    const table = archive.table(topic);
    if ((await archive.catalog.load(table.name)) === null) {
      missing.push(topic);
      continue;
    }
    const log = events === null ? null : await logStateOf(topic, events, io);
    const retentionMs = archiveRetentionMs(settings, topic);
    reports.push(await reportTopic(topic, table, log, retentionMs, io.clock.now()));
  }
  return { reports, missing };
}

async function logStateOf(topic: string, events: Events, io: CommandIo): Promise<LogState | null> {
  try {
    return await events.logState(topic);
  } catch (error) {
    if (!(error instanceof JourneyGraphError)) throw error;
    io.err(`The log was not asked about ${printable(topic)}: ${printable(error.message)}\n`);
    return null;
  }
}
