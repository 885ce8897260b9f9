import { BadDataError } from '../../foundation/index.ts';
import { AvroSchema, compileDecoder, type SchemaRegistry, type WireLimits } from '../../schemas/index.ts';
import { readFraming } from '../confluent-framing.ts';
import type { SourceRecord } from '../event-source.ts';
import type { ShownLetter, ShownValue } from './letter-reports.ts';

const shownBytesMax = 4_096;

/** What a letter's value holds, for a person who asked for it. Bounded as events are; decoded by its writer's own schema. */
export class LetterValues {
  readonly #registry: SchemaRegistry;
  readonly #limits: WireLimits;

  constructor(registry: SchemaRegistry, limits: WireLimits) {
    this.#registry = registry;
    this.#limits = limits;
  }

  /** Throws OutageError and StopError of the registry. */
  async of({ value, headers }: SourceRecord, signal: AbortSignal): Promise<ShownValue | null> {
    if (value === null) return null;
    try {
      const framing = readFraming(value, headers);
      const writer = await this.#writer(framing.kind === 'id' ? framing.schemaId : framing.guid, signal);
      const writerId = framing.kind === 'id' ? framing.schemaId : -1;
      const pair = { subject: 'the letter', writerId, readerVersion: 0 };
      const event = compileDecoder(writer, writer, pair, this.#limits)(value, framing.start, value.length);
      return { kind: 'event', event: plain(event) };
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      const base64 = Buffer.from(value.subarray(0, shownBytesMax)).toString('base64');
      return { kind: 'unreadable', code: error.code, base64, cut: value.length > shownBytesMax };
    }
  }

  async #writer(id: number | string, signal: AbortSignal): Promise<AvroSchema> {
    if (typeof id === 'number') return new AvroSchema((await this.#registry.schemaById(id, signal)).text);
    const found = await this.#registry.schemaByGuid?.(id, signal);
    if (found !== undefined) return new AvroSchema(found.text);
    throw new BadDataError('SCHEMA_GUID_UNSUPPORTED', 'This schema registry finds no schema by GUID.');
  }
}

/** What JSON cannot hold as text: longs beyond 2^53, bytes, dates. */
function plain(event: unknown): unknown {
  const text = JSON.stringify(event, (_name, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
    if (value instanceof Map) return Object.fromEntries(value);
    return value;
  });
  return text === undefined ? null : JSON.parse(text);
}

/** As far as the framing tells it. */
export function schemaOf({ value, headers }: SourceRecord): ShownLetter['schema'] {
  if (value === null) return null;
  try {
    const framing = readFraming(value, headers);
    return framing.kind === 'id' ? { id: framing.schemaId } : { guid: framing.guid };
  } catch (error) {
    if (error instanceof BadDataError) return null;
    throw error;
  }
}
