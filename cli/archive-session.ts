import type { Settings } from '../config/index.ts';
import type { Log } from '../foundation/index.ts';
import { JourneyGraphError, StopError } from '../foundation/index.ts';
import type { SchemaRegistry } from '../schemas/index.ts';
import type { CommandIo } from './command-io.ts';
import { EmbeddedEvents } from './embedded-events.ts';
import type { Events } from './events.ts';
import { KafkaEvents } from './kafka-events.ts';
import { createLog } from './log.ts';
import { type Archive, openArchive } from './open-archive.ts';
import { openRegistry } from './process-base.ts';

/** What `jg archive` works with; no graph store is opened. */
export interface ArchiveSession extends AsyncDisposable {
  readonly archive: Archive;
  readonly events: Events;
  readonly registry: SchemaRegistry;
  readonly log: Log;
}

/** @throws StopError `LOG_LOCKED` when a server reads the embedded log of that folder. */
export async function openArchiveSession(settings: Settings, io: CommandIo): Promise<ArchiveSession> {
  const cleanup = new AsyncDisposableStack();
  try {
    const log = createLog(settings, io);
    const archive = openArchive(settings, io);
    cleanup.defer(() => archive.close());
    const registry = await openRegistry(settings, io);
    cleanup.defer(() => registry.close());
    const events = await openEvents(settings, io, log);
    cleanup.defer(() => events.close());
    const owned = cleanup.move();
    return { archive, events, registry, log, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  } finally {
    await cleanup.disposeAsync();
  }
}

async function openEvents(settings: Settings, io: CommandIo, log: Log): Promise<Events> {
  if (settings['bootstrap.servers'] !== null) return await KafkaEvents.open(settings, io, log);
  try {
    return await EmbeddedEvents.open(settings, io);
  } catch (error) {
    if (!(error instanceof JourneyGraphError) || error.code !== 'LOG_LOCKED') throw error;
    const hint = 'A server reads the embedded log: let it archive itself (archive: true), or stop it first.';
    throw new StopError('LOG_LOCKED', `${error.message} ${hint}`, { cause: error });
  }
}
