import { must } from '../foundation/index.ts';
import type { EventLineage, EventMutations, EventOrigin } from './model.ts';
import { checkEvent } from './mutation-checks.ts';
import { MutationWriter } from './mutation-writer.ts';
import type { PackedEvent } from './packed-event.ts';
import type { PackedMutations } from './packed-format.ts';

const initialBytes = 64 * 1024;
/** Their place has two bytes; events beyond have no lineage, which no topic comes to. */
const originsMax = 65_535;

export function createMutationBatch(capacityBytes: number = initialBytes): MutationBatch {
  return new MutationBatch(capacityBytes);
}

/**
 * Mutations of many events, packed into one buffer: what crosses from the pipeline's thread to the store's.
 *
 * Packing writes what the store will keep (nodes' names, row values) and not a tree of objects: the store's thread then
 * copies bytes and never builds a string for a step or an occurrence. A node that an event names several times is
 * written once and pointed at. There is no table of nodes across events: a look-up of a fresh string in a map of
 * thousands costs about what writing its twenty bytes again does, and the map is memory.
 */
export class MutationBatch {
  readonly #writer: MutationWriter;
  #eventCount = 0;
  #taken = false;
  /** With their places, in order. */
  readonly #origins = new Map<EventOrigin, number>();

  constructor(capacityBytes: number = initialBytes) {
    this.#writer = new MutationWriter(Math.max(1024, capacityBytes));
  }

  /** Events added. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** Bytes packed; the pipeline closes a batch by this bound. */
  get sizeBytes(): number {
    return this.#writer.length;
  }

  /** Bytes that it will hold once it is taken. */
  get heldBytes(): number {
    return this.#isSparse ? this.#writer.length : this.#writer.bytes.length;
  }

  /** Its buffer doubles as it grows, and begins larger than many a batch becomes. */
  get #isSparse(): boolean {
    return this.#writer.length * 4 <= this.#writer.bytes.length * 3;
  }

  /**
   * Adds all of an event or, when it throws, nothing of it. Throws BadDataError: INVALID_NODE_ID, INVALID_NAME,
   * INVALID_EVENT_TIME, INVALID_EVENT or INVALID_PROPERTY.
   */
  add(event: EventMutations | PackedEvent): void {
    must(this.#taken ? null : this, 'a batch that was applied takes no more events');
    checkEvent(event);
    this.#writer.write(event, this.#placeOf(event.lineage));
    this.#eventCount += 1;
  }

  /** What is packed now, to be looked at in this turn only. */
  get packed(): Buffer {
    return this.#writer.bytes.subarray(0, this.#writer.length);
  }

  /** Gives the bytes away, without a copy unless much of its buffer is empty; the batch can be used no more. Called by stores. */
  take(): PackedMutations {
    must(this.#taken ? null : this, 'a batch can be applied only once');
    this.#taken = true;
    const isSparse = this.#isSparse;
    const { buffer } = this.#writer.release();
    const lengthBytes = this.sizeBytes;
    return {
      buffer: isSparse ? buffer.slice(0, lengthBytes) : buffer,
      lengthBytes,
      eventCount: this.#eventCount,
      origins: [...this.#origins.keys()],
    };
  }

  #placeOf(lineage: EventLineage | undefined): number {
    if (lineage === undefined) return 0;
    const known = this.#origins.get(lineage.origin);
    if (known !== undefined) return known;
    if (this.#origins.size >= originsMax) return 0;
    this.#origins.set(lineage.origin, this.#origins.size + 1);
    return this.#origins.size;
  }
}
