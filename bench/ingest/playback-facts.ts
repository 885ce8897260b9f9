import { AvroSchema, EventEncoder } from '../../schemas/index.ts';
import { type BenchShape, benchSchema, PlaybackEvents } from './playback-events.ts';

const frameBytes = 5;

/** The decoded event of the benchmark's topic. */
interface PlaybackStopped {
  readonly eventId: string;
  readonly occurredAt: bigint;
  readonly accountId: string;
  readonly title: { readonly id: string; readonly name: string; readonly kind: string };
  readonly device: { readonly id: string };
  readonly seconds: bigint;
  readonly completion: number;
  readonly reason: string;
}

/** What an event says, flat, as rivals write it. */
export interface PlaybackFact {
  readonly event: string;
  readonly atMs: number;
  readonly account: string;
  readonly title: string;
  readonly titleName: string;
  readonly titleKind: string;
  readonly device: string;
  readonly seconds: number;
  readonly completion: number;
  readonly reason: string;
}

export interface FactsOptions {
  readonly seed: number;
  readonly shape: BenchShape;
  /** Event time of the first; the others follow evenly. */
  readonly startMs: number;
  readonly spacingMs: number;
}

/** The events that the product is given, already decoded: rivals are not charged for decoding. */
export class PlaybackFacts {
  readonly #events: PlaybackEvents;
  readonly #schema: AvroSchema;
  readonly #options: FactsOptions;
  #taken = 0;

  private constructor(schema: { readonly id: number; readonly text: string }, options: FactsOptions) {
    this.#events = new PlaybackEvents(new EventEncoder(schema.id, schema.text), options.seed, options.shape);
    this.#schema = new AvroSchema(schema.text);
    this.#options = options;
  }

  static async start(options: FactsOptions): Promise<PlaybackFacts> {
    return new PlaybackFacts(await benchSchema(), options);
  }

  /** The next decoded events, as the mapping takes them. */
  takeDecoded(count: number): readonly PlaybackStopped[] {
    const { startMs, spacingMs } = this.#options;
    return Array.from({ length: count }, () => {
      const { value } = this.#events.next(Math.floor(startMs + this.#taken++ * spacingMs));
      const event: PlaybackStopped = this.#schema.type.fromBuffer(value.subarray(frameBytes));
      return event;
    });
  }

  take(count: number): readonly PlaybackFact[] {
    return this.takeDecoded(count).map(({ eventId, occurredAt, accountId, title, device, ...said }) => ({
      event: eventId,
      atMs: Number(occurredAt),
      account: accountId,
      title: title.id,
      titleName: title.name,
      titleKind: title.kind,
      device: device.id,
      seconds: Number(said.seconds),
      completion: said.completion,
      reason: said.reason,
    }));
  }
}
