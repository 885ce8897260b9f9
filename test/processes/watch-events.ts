import { systemClock } from '../../foundation/index.ts';
import { plainKafka, produce } from '../../ingest/kafka-testing.ts';
import { ConfluentRegistry, EventEncoder, registryHttpLimitsDefault } from '../../schemas/index.ts';

const beganMs = Date.UTC(2026, 10, 20);
const members = 60;
const titles = 400;

/** A schema whose mapping says of each watch which version of the mapping read it. */
function schemaText(version: number): string {
  return JSON.stringify({
    type: 'record',
    name: 'Watched',
    namespace: 'processes',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'member', type: 'string' },
      { name: 'title', type: 'string' },
      { name: 'at', type: 'long' },
    ],
    graph: {
      domain: 'streaming',
      time: 'at',
      eventId: 'id',
      nodes: [
        { type: 'Member', id: 'member', properties: { [`saw${version}`]: 'title' } },
        { type: 'Film', id: 'title' },
      ],
      edges: [{ type: 'SAW', from: 'Member', to: 'Film' }],
      journey: { owner: 'Member', action: `watched, by mapping ${version}` },
    },
  });
}

/** Members watch titles, one after the other: event number n is of member n modulo their count, at one millisecond more than the one before. */
export class WatchEvents {
  readonly topic: string;
  readonly #bootstrapServers: string;
  readonly #registry: ConfluentRegistry;
  #encoder: EventEncoder | null = null;
  #count = 0;

  constructor(topic: string, bootstrapServers: string, registryUrl: string) {
    this.topic = topic;
    this.#bootstrapServers = bootstrapServers;
    this.#registry = new ConfluentRegistry({
      url: registryUrl,
      limits: registryHttpLimitsDefault,
      clock: systemClock,
    });
  }

  get count(): number {
    return this.#count;
  }

  get members(): readonly string[] {
    return Array.from({ length: members }, (_, number) => `m${number}`);
  }

  /** Events that come later are still written with the first version's schema. */
  async register(version: number): Promise<void> {
    const { schema } = await this.#registry.register(`${this.topic}-value`, schemaText(version));
    this.#encoder ??= new EventEncoder(schema.id, schema.text);
  }

  /** To `partitions` partitions in turn. */
  async publish(count: number, partitions: number): Promise<void> {
    const encoder = this.#encoder;
    if (encoder === null) throw new Error('a schema is registered before anything is published');
    const messages = Array.from({ length: count }, (_, index) => {
      const number = this.#count + index;
      const event = {
        id: BigInt(number),
        member: `m${number % members}`,
        title: `t${number % titles}`,
        at: BigInt(beganMs + number),
      };
      return { partition: number % partitions, value: encoder.encode(event) };
    });
    await produce(this.#bootstrapServers, this.topic, messages);
    this.#count += count;
  }

  async addPartitions(count: number): Promise<void> {
    const admin = plainKafka(this.#bootstrapServers).admin();
    await admin.connect();
    await admin.createPartitions({ topicPartitions: [{ topic: this.topic, count }] });
    await admin.disconnect();
  }

  /** When the member watched something, oldest first. */
  timesOf(member: string): readonly string[] {
    const first = Number(member.slice(1));
    const times: string[] = [];
    for (let number = first; number < this.#count; number += members) {
      times.push(new Date(beganMs + number).toISOString());
    }
    return times;
  }

  close(): Promise<void> {
    return this.#registry.close();
  }
}
