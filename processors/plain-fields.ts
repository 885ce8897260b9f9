import { type FieldRead, type PlainField, plainField, type ValuePlan } from '../schemas/index.ts';
import { behindWhole, wholeAt } from './plain-value.ts';

/** A text of an event. */
export interface PlainText {
  /** Where its length stands in the event's bytes; -1 where it is null. */
  place(bytes: Uint8Array, places: Int32Array): number;
}

type EventType = Parameters<typeof plainField>[0];

/** The fields that a plain mapping reads, each with its number among those whose places it asks for. */
export class PlainFields {
  readonly #type: EventType;
  readonly #numbers = new Map<string, number>();
  readonly #paths: (readonly string[])[] = [];

  constructor(type: EventType) {
    this.#type = type;
  }

  get paths(): readonly (readonly string[])[] {
    return this.#paths;
  }

  field(read: FieldRead): { readonly field: PlainField; readonly place: number } | null {
    const field = plainField(this.#type, read);
    if (field === null) return null;
    // A name in Avro has no dot.
    const name = field.path.join('.');
    const known = this.#numbers.get(name);
    if (known !== undefined) return { field, place: known };
    const place = this.#paths.push(field.path) - 1;
    this.#numbers.set(name, place);
    return { field, place };
  }

  /** A number that is never null. */
  whole(read: FieldRead): number | null {
    const found = this.field(read);
    return found?.field.wire.kind === 'whole' && found.field.nullBranch === null ? found.place : null;
  }

  text(read: FieldRead): PlainText | null {
    const found = this.field(read);
    if (found?.field.wire.kind !== 'text' || (read.kind !== 'string' && read.kind !== 'uuid')) return null;
    const { place } = found;
    const { nullBranch } = found.field;
    if (nullBranch === null) return { place: (_bytes, places) => places[place] ?? -1 };
    return {
      place: (bytes, places) => {
        const at = places[place] ?? 0;
        return wholeAt(bytes, at) === nullBranch ? -1 : behindWhole(bytes, at);
      },
    };
  }

  /** Of a node. */
  idText({ source, apply, rows }: ValuePlan): PlainText | null {
    if (source.from !== 'field' || apply.length > 0 || (rows ?? []).length > 0) return null;
    return this.text(source.field);
  }
}
