import type { Settings } from '../config/index.ts';
import type { Log } from '../foundation/index.ts';
import { BackgroundWork } from './background-work.ts';
import { type CommandIo, type ExitCode, exitCodes } from './command-io.ts';
import { reportFailure } from './failure.ts';

/** A process that runs until it is told to stop, opened and not yet running. */
export interface Service {
  /** Starts its work and resolves when `work.ending` aborts. */
  run(work: BackgroundWork): Promise<void>;
  /** Answers nobody any more. The work was told to stop before, and may not have ended. */
  leave(): Promise<void>;
  /** Releases files, threads and connections: the work has ended. */
  close(): Promise<void>;
}

/** Runs it until the signal aborts or something fails that no waiting mends, and stops it within `shutdown.timeout.ms`. */
export async function runService(
  service: Service,
  settings: Settings,
  io: CommandIo,
  log: Log,
): Promise<ExitCode> {
  const work = new BackgroundWork(io.signal, log);
  let code: ExitCode = exitCodes.ok;
  try {
    await service.run(work);
  } catch (error) {
    code = reportFailure(error, io);
  }
  const bugBefore = work.bug;
  if (bugBefore !== null) code = reportFailure(bugBefore.error, io, bugBefore.what);
  const shutDownCode = await shutDown(service, settings['shutdown.timeout.ms'], work, io);
  if (code === exitCodes.ok) code = shutDownCode;
  if (bugBefore === null && work.bug !== null) code = reportFailure(work.bug.error, io, work.bug.what);
  return code;
}

/** Bounded: what does not end in time is abandoned, which loses nothing durable. */
async function shutDown(
  service: Service,
  timeoutMs: number,
  work: BackgroundWork,
  io: CommandIo,
): Promise<ExitCode> {
  const limit = new AbortController();
  const graceful = async (): Promise<'closed'> => {
    work.stop();
    await service.leave();
    await work.ended();
    await service.close();
    return 'closed';
  };
  const timeout = io.clock.sleep(timeoutMs, limit.signal).then(() => 'timeout' as const);
  try {
    if ((await Promise.race([graceful(), timeout])) === 'closed') {
      io.err('Stopped cleanly; the next start goes on from here.\n');
      return exitCodes.ok;
    }
    io.err('Stopping took too long; what was durable is kept, and the next start goes on from there.\n');
    return exitCodes.failed;
  } catch (error) {
    return reportFailure(error, io);
  } finally {
    limit.abort();
  }
}
