import type { Figure } from '../benchmark.ts';
import { prepareTopic, send, withProducer } from '../ingest/fill.ts';
import { type FleetPlace, IngestProcess, until } from './ingest-process.ts';

const topic = 'bench.saturated';
const partitions = 4;
const chunk = 2_000;
/** Of the events: what a process and a node need to be warm. */
const warmShare = 0.3;

/**
 * One `jg ingest` that finds a topic full of events and has nothing to wait for: what an event costs it when its groups are as large as they become, from the first byte of Kafka to the store's answer.
 */
export async function measureSaturated(
  events: number,
  place: FleetPlace,
  log: (line: string) => void,
): Promise<Record<string, Figure>> {
  log(`saturated: ${events} events for one process`);
  const target = { ...place.kafka, topic };
  const source = await prepareTopic(target, place.seed, partitions);
  await withProducer(target, async (producer) => {
    const startMs = Date.now() - events;
    for (let sent = 0; sent < events; sent += chunk) {
      const size = Math.min(chunk, events - sent);
      await send(
        producer,
        topic,
        Array.from({ length: size }, (_, i) => source.next(startMs + sent + i)),
      );
    }
  });
  const process = new IngestProcess(target, place);
  try {
    const warm = await consumedAtLeast(process, events * warmShare);
    const done = await consumedAtLeast(process, events);
    const measured = done.consumed - warm.consumed;
    const eventsPerSecond = measured / ((done.atMs - warm.atMs) / 1000);
    const micros = ((done.cpuMs - warm.cpuMs) * 1000) / measured;
    log(`saturated: ${Math.round(eventsPerSecond)} events/s, ${Math.round(micros)} µs of CPU an event`);
    return {
      'saturated.eventsPerSecond': { value: eventsPerSecond, unit: 'events/s' },
      'saturated.cpuMicrosPerEvent': { value: micros, unit: 'µs' },
    };
  } finally {
    await process.stop();
  }
}

interface Reached {
  readonly consumed: number;
  readonly atMs: number;
  readonly cpuMs: number;
}

async function consumedAtLeast(process: IngestProcess, events: number): Promise<Reached> {
  let reached: Reached | null = null;
  await until(`${events} events are consumed`, async () => {
    const consumed = await process.consumed();
    reached = { consumed, atMs: performance.now(), cpuMs: process.cpuMs };
    return consumed >= events;
  });
  if (reached === null) throw new Error('the process was never asked');
  return reached;
}
