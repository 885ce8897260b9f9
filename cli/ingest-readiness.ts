import type { Pipeline } from '../ingest/index.ts';
import type { TopicWatch } from './topic-watch.ts';

export interface ReadinessParts {
  readonly pipelines: readonly Pick<Pipeline, 'status'>[];
  readonly mappings: { readonly hasLooked: boolean };
  readonly watch: TopicWatch;
  readonly signal: AbortSignal;
  /** A record of a partition of its own may wait for so long. */
  readonly lagMsMax: number;
}

/**
 * Why a process that ingests should not be counted on now; null when it should: it was told its partitions, which may be none, and
 * reads them, the store answers, and what it reads is not too far behind.
 */
export function ingestNotReady(parts: ReadinessParts): string | null {
  const { pipelines, mappings, watch, signal } = parts;
  if (signal.aborted) return 'it is going away';
  if (!mappings.hasLooked) return 'mappings have not been looked for yet';
  if (!watch.storeAnswers) return 'the store does not answer';
  for (const pipeline of pipelines) {
    const reason = pipelineNotReady(pipeline, parts);
    if (reason !== null) return reason;
  }
  return null;
}

function pipelineNotReady(pipeline: Pick<Pipeline, 'status'>, parts: ReadinessParts): string | null {
  const { topic, state, reading, partitions } = pipeline.status();
  // The code alone: whoever runs probes need not have the token that metrics want.
  if (state.kind === 'stopped') return `topic ${topic} has stopped: ${state.code}`;
  if (state.kind !== 'running') return `topic ${topic} is ${state.kind}`;
  if (!reading) return `its partitions of topic ${topic} are not known yet`;
  const own = new Set(
    partitions.flatMap(({ assigned, source }) => (assigned ? [`${source.topicId}/${source.partition}`] : [])),
  );
  const late = parts.watch
    .seen(topic)
    ?.lags.find(
      ({ source, waitedMs }) => waitedMs > parts.lagMsMax && own.has(`${source.topicId}/${source.partition}`),
    );
  if (late === undefined) return null;
  const seconds = Math.round(late.waitedMs / 1000);
  return `partition ${late.source.partition} of topic ${topic} is ${seconds} s behind`;
}
