import { type DemoLog, DemoPlayer } from '../demo/index.ts';
import { JourneyGraphError, type Log, must } from '../foundation/index.ts';
import { EventEncoder, loadCatalog, type SchemaRegistry } from '../schemas/index.ts';
import type { CommandIo } from './command-io.ts';
import { type EmbeddedEvents, embeddedPartitions } from './embedded-events.ts';

/** Members whose past day is written at the first start: enough to look at, applied in well under a second. */
const historyMembers = 300;
const activeMembers = 500;

/** The demo's members, writing to the embedded log what a company's services would write to Kafka. */
export async function createDemo(
  events: EmbeddedEvents,
  registry: SchemaRegistry,
  eventsPerSecond: number,
  io: CommandIo,
  log: Log,
): Promise<DemoPlayer> {
  const encoders = new Map<string, EventEncoder>();
  for (const { topic, subject } of await loadCatalog()) {
    const latest = must(await registry.latest(subject), `the bundled registry holds ${subject}`);
    encoders.set(topic, new EventEncoder(latest.schema.id, latest.schema.text));
  }
  const player = new DemoPlayer(
    {
      log: sayingOutages(events.log, log),
      encode: (topic, fields) => must(encoders.get(topic), `the catalog holds ${topic}`).encode(fields),
      clock: io.clock,
      random: io.random,
      newId: io.newId,
    },
    { partitions: embeddedPartitions, eventsPerSecond, historyMembers, activeMembers },
  );
  const isNew = events.topics.every((topic) => events.log.ends(topic).every(({ end }) => end === 0n));
  if (isNew) await player.writeHistory();
  return player;
}

/** The player rests while its log takes nothing, and those who read find nothing new: somebody has to say why it is quiet. */
function sayingOutages(target: DemoLog, log: Log): DemoLog {
  let isDown = false;
  return {
    append: async (topic, partition, records) => {
      try {
        await target.append(topic, partition, records);
        if (isDown) log.info({}, 'The demo goes on.');
        isDown = false;
      } catch (error) {
        if (!isDown && error instanceof JourneyGraphError && error.retryable) {
          isDown = true;
          log.warn({}, `The demo rests: ${error.message}`);
        }
        throw error;
      }
    },
  };
}
