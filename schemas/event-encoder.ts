import { BadDataError } from '../foundation/index.ts';
import { AvroSchema } from './avro-type.ts';

/** Writes events as Confluent's serializers do: magic byte 0, the schema id in four bytes, the Avro bytes. */
export class EventEncoder {
  readonly #schemaId: number;
  readonly #schema: AvroSchema;

  /** `schemaId` as the registry gave it, `text` as registered. Throws `BadDataError` for a schema that is not valid. */
  constructor(schemaId: number, text: string) {
    this.#schemaId = schemaId;
    this.#schema = new AvroSchema(text);
  }

  /**
   * The framed bytes of one event. `long` fields take bigint or whole numbers; timestamps count in their own unit.
   *
   * Throws `BadDataError` code `EVENT_INVALID`, naming the fields that do not fit the schema.
   */
  encode(value: unknown): Buffer {
    let payload: Buffer;
    try {
      payload = this.#schema.type.toBuffer(value);
    } catch (cause) {
      throw new BadDataError('EVENT_INVALID', this.#explain(value), { cause });
    }
    const framed = Buffer.allocUnsafe(5 + payload.length);
    framed[0] = 0;
    framed.writeInt32BE(this.#schemaId, 1);
    payload.copy(framed, 5);
    return framed;
  }

  /** avsc's own message prints the value as JSON, which dies on a bigint and hides what was wrong. */
  #explain(value: unknown): string {
    const faults: string[] = [];
    this.#schema.type.isValid(value, {
      errorHook: (path, _found, type) => {
        faults.push(`\`${path.join('.')}\` is not a valid ${type.typeName.replace('abstract:', '')}`);
      },
    });
    return `The event does not fit the schema ${this.#schema.name ?? ''}: ${faults.slice(0, 10).join('; ')}.`;
  }
}
