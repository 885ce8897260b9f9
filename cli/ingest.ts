import type { Settings } from '../config/index.ts';
import type { Log } from '../foundation/index.ts';
import { hideTypeStrippingWarning } from '../live-events/index.ts';
import { type ExtensionMetric, type ProcessServer, startProcessServer } from '../query-api/index.ts';
import type { BackgroundWork } from './background-work.ts';
import type { CommandIo, ExitCode } from './command-io.ts';
import { composeIngest, type IngestComposition } from './ingest-composition.ts';
import { ingestNotReady } from './ingest-readiness.ts';
import { aboveLiveLine, showLiveLine } from './live-line.ts';
import { createLog } from './log.ts';
import { processGate } from './process-gate.ts';
import { runService } from './service-run.ts';
import { checkShared, notArchiving } from './shared-graph.ts';
import { figureReader } from './status.ts';
import { storeDescription } from './store-description.ts';
import { nodeWritesOf, supersededMutationsOf, topicState } from './topic-states.ts';
import { productVersion } from './version.ts';

/**
 * One of any number of processes that read topics into a graph that all of them share: Kafka gives each its partitions, the store
 * keeps their positions.
 */
export async function ingest(settings: Settings, io: CommandIo): Promise<ExitCode> {
  checkShared(settings, 'jg ingest');
  hideTypeStrippingWarning(process);
  const log = createLog(settings, aboveLiveLine(io));
  const unarchived = notArchiving(settings);
  if (unarchived !== null) log.warn({ setting: 'archive' }, unarchived);
  const composition = await composeIngest(settings, io, log);
  let server: ProcessServer | null = null;
  const service = {
    run: async (work: BackgroundWork) => {
      server = await openServer(settings, composition, work.ending, io, log);
      announce(settings, composition, server, io);
      startWork(composition, work);
      await showLiveLine(io, figureReader(composition), work.ending);
    },
    // Probes are answered until all is over: that it is going away is what they are there to hear.
    leave: async () => undefined,
    close: async () => {
      await composition.close();
      await server?.close();
    },
  };
  return await runService(service, settings, io, log);
}

function startWork({ pipelines, upkeep, mappings, watch }: IngestComposition, work: BackgroundWork): void {
  for (const pipeline of pipelines) {
    work.start(`The pipeline of topic ${pipeline.status().topic}`, (signal) => pipeline.run(signal));
  }
  work.start('The upkeep of the store', (signal) => upkeep.run(signal));
  work.start('The watch over schemas', (signal) => mappings.watch(signal));
  work.start('The watch over topics', (signal) => watch.run(signal));
}

function openServer(
  settings: Settings,
  composition: IngestComposition,
  ending: AbortSignal,
  io: CommandIo,
  log: Log,
): Promise<ProcessServer> {
  const { pipelines, mappings, watch, store, freshness } = composition;
  const readiness = {
    pipelines,
    mappings,
    watch,
    signal: ending,
    lagMsMax: settings['ready.lag.ms.max'],
  };
  const notReady = (): string | null => ingestNotReady(readiness);
  return startProcessServer({
    host: settings.host,
    port: settings.port,
    gate: processGate(settings, io.newId),
    reader: store,
    status: {
      topics: () => pipelines.map((pipeline) => topicState(pipeline, watch)),
      nodeWrites: () => nodeWritesOf(pipelines),
      supersededMutations: () => supersededMutationsOf(pipelines),
      freshnessQuantileMs: (share) => freshness.quantile(share),
    },
    metrics: ingestMetrics(composition, notReady),
    notReady,
    clock: io.clock,
    log,
    newId: io.newId,
  });
}

function ingestMetrics(
  { pipelines }: IngestComposition,
  notReady: () => string | null,
): readonly ExtensionMetric[] {
  return [
    {
      kind: 'gauge',
      name: 'journey_graph_assigned_partitions',
      help: 'Partitions that this process reads, by topic.',
      labelNames: ['topic'],
      read: () =>
        pipelines.map((pipeline) => {
          const { topic, partitions } = pipeline.status();
          return { labels: { topic }, value: partitions.filter(({ assigned }) => assigned).length };
        }),
    },
    {
      kind: 'gauge',
      name: 'journey_graph_ready',
      help: '1 while /readyz answers 200.',
      labelNames: [],
      read: () => [{ labels: {}, value: notReady() === null ? 1 : 0 }],
    },
  ];
}

function announce(
  settings: Settings,
  { events }: IngestComposition,
  server: ProcessServer,
  io: CommandIo,
): void {
  io.out(`Journey Graph ${productVersion()} on Node ${process.versions.node}, one process that ingests\n`);
  io.out(`  probes and metrics   ${server.url}/healthz, /readyz, /metrics\n`);
  io.out(`  graph in             ${storeDescription(settings)}\n`);
  io.out(`  events from          ${events.description}\n\n`);
}
