import type { Settings } from '../config/index.ts';
import type { Log } from '../foundation/index.ts';
import { Archiver } from '../ingest/index.ts';
import { keepUpArchive } from './archive-upkeep.ts';
import { archivedTopics, archiverLimits, archiverParts } from './archivers.ts';
import type { BackgroundWork } from './background-work.ts';
import type { CommandIo } from './command-io.ts';
import type { Composition } from './composition.ts';
import { openArchive } from './open-archive.ts';

/** Archives beside everything else, when the settings say so; says where. */
export function startArchiving(
  settings: Settings,
  composition: Pick<Composition, 'events' | 'registry'>,
  work: BackgroundWork,
  io: CommandIo,
  log: Log,
): string | null {
  if (!settings.archive) return null;
  const archive = openArchive(settings, io);
  const { events, registry } = composition;
  const topics = archivedTopics(settings, events);
  let running = topics.length + 1;
  const start = (what: string, run: (signal: AbortSignal) => Promise<void>): void =>
    work.start(what, async (signal) => {
      try {
        await run(signal);
      } finally {
        running -= 1;
        if (running === 0) archive.close();
      }
    });
  start('The upkeep of the archive', (signal) => keepUpArchive(settings, archive, topics, io, log, signal));
  for (const topic of topics) {
    const parts = archiverParts(topic, settings, { archive, events, registry }, io, log);
    const archiver = new Archiver(parts, archiverLimits(settings, topics.length));
    start(`The archiver of topic ${topic}`, (signal) => archiver.run(signal));
  }
  return archive.location;
}
