import type { Settings } from '../config/index.ts';
import { featuredAccountId } from '../demo/index.ts';
import { JourneyGraphError, type Log } from '../foundation/index.ts';
import { type Api, startApi } from './api.ts';
import { type CommandIo, type ExitCode, exitCodes } from './command-io.ts';
import { type Composition, compose, embeddedOf } from './composition.ts';
import { createDemo } from './demo.ts';
import { reportFailure } from './failure.ts';
import { journeySteps, renderJourney } from './journey-text.ts';
import { showLiveLine } from './live-line.ts';
import { createLog } from './log.ts';
import { readFigures } from './status.ts';
import { productVersion } from './version.ts';

/** The first answer is waited for this long; then the line starts without it. */
const firstAnswerMs = 4000;
const firstAnswerEveryMs = 50;
const shownSteps = 12;

/** Runs ingest, store and API in one process until the signal aborts or something fails that no waiting mends. */
export async function up(settings: Settings, io: CommandIo): Promise<ExitCode> {
  const log = createLog(settings, io);
  const startedMs = io.clock.now();
  const composition = await compose(settings, io, log);
  let api: Api | null = null;
  const stop = new AbortController();
  const ending = AbortSignal.any([io.signal, stop.signal]);
  const work: Promise<unknown>[] = [];
  let code: ExitCode = exitCodes.ok;
  try {
    api = await startApi(settings, composition, startedMs, io, log);
    work.push(composition.mappings.watch(ending));
    work.push(...composition.pipelines.map((pipeline) => runPipeline(pipeline, composition, ending, log)));
    const playing =
      settings.demo === 'on' || (settings.demo === 'auto' && settings['bootstrap.servers'] === null);
    announce(settings, composition, api, playing, io);
    if (playing) {
      const player = await createDemo(
        embeddedOf(composition),
        composition.registry,
        settings['demo.events.per.second'],
        io,
      );
      work.push(player.play(ending));
      await showFirstAnswer(api, io);
    }
    await showLiveLine(io, () => readFigures(composition));
  } catch (error) {
    code = reportFailure(error, io);
  } finally {
    stop.abort();
    await shutDown(settings, composition, api, work, io);
  }
  return code;
}

/** One topic's trouble stays its own: the others go on, and the API says what stopped and why. */
async function runPipeline(
  pipeline: Composition['pipelines'][number],
  composition: Composition,
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  try {
    await pipeline.run(signal);
  } catch (error) {
    if (!(error instanceof JourneyGraphError)) throw error;
    const others = composition.pipelines.length - 1;
    log.error(
      { topic: pipeline.status().topic, error },
      `This pipeline has stopped; ${others} others go on.`,
    );
  }
}

function announce(
  settings: Settings,
  composition: Composition,
  api: Api,
  playing: boolean,
  io: CommandIo,
): void {
  const rate = settings['demo.events.per.second'];
  const members = playing ? `, demo members playing at ${rate} events/s` : '';
  io.out(`Journey Graph ${productVersion()} on Node ${process.versions.node}, data in ${settings.data}\n`);
  io.out(`  GraphQL and its IDE  ${api.url}/\n`);
  io.out(`  events from          ${composition.events.description}${members}\n\n`);
}

/** Asks over HTTP, as any client would, until the featured member's history has been applied. */
async function showFirstAnswer(api: Api, io: CommandIo): Promise<void> {
  const deadlineMs = io.clock.now() + firstAnswerMs;
  const question = `journey(of: {type: "Account", id: "${featuredAccountId}"}, first: ${shownSteps})`;
  while (!io.signal.aborted && io.clock.now() < deadlineMs) {
    const steps = journeySteps(await api.ask(featuredAccountId, shownSteps));
    if (steps !== null && steps.length >= 10) {
      io.out(`A question, ${question}, and its answer:\n\n${renderJourney(steps)}\n`);
      io.out(`Ask it again with  npm run jg -- journey Account:${featuredAccountId}\n\n`);
      return;
    }
    await io.clock.sleep(firstAnswerEveryMs, io.signal);
  }
}

/** Bounded: what does not end in time is abandoned, which loses nothing durable. */
async function shutDown(
  settings: Settings,
  composition: Composition,
  api: Api | null,
  work: readonly Promise<unknown>[],
  io: CommandIo,
): Promise<void> {
  const limit = new AbortController();
  const graceful = async (): Promise<'closed'> => {
    await api?.close();
    const ended = await Promise.allSettled(work);
    await composition.close();
    for (const result of ended) if (result.status === 'rejected') throw result.reason;
    return 'closed';
  };
  const timeout = io.clock
    .sleep(settings['shutdown.timeout.ms'], limit.signal)
    .then(() => 'timeout' as const);
  try {
    const outcome = await Promise.race([graceful(), timeout]);
    if (outcome === 'closed') io.err('Stopped cleanly; the next start goes on from here.\n');
    else io.err('Stopping took too long; what was durable is kept, and the next start goes on from there.\n');
  } finally {
    limit.abort();
  }
}
