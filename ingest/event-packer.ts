import type { XXHashAPI } from 'xxhash-wasm';
import { BadDataError } from '../foundation/index.ts';
import { type EventOrigin, PackedEvent } from '../graph-store/index.ts';
import type { PlainMapping } from '../processors/index.ts';
import { type AvroSchema, compilePlacedScan, type PlacedScan, type WireLimits } from '../schemas/index.ts';

/** Of one writer's schema, which is also the one that the mapping is registered with: fields are found by their places in the bytes. */
export class EventPacker {
  readonly #mapping: PlainMapping;
  readonly #placed: PlacedScan;
  readonly #hash: XXHashAPI;
  readonly #seed: bigint;
  readonly #origin: EventOrigin;
  /** Used again and again: it is a caller's until the next call. */
  readonly #event = new PackedEvent();

  constructor(
    mapping: PlainMapping,
    writer: AvroSchema,
    limits: WireLimits,
    hash: XXHashAPI,
    { seed, origin }: { readonly seed: bigint; readonly origin: EventOrigin },
  ) {
    this.#mapping = mapping;
    this.#placed = compilePlacedScan(writer.type, limits, mapping.paths);
    this.#hash = hash;
    this.#seed = seed;
    this.#origin = origin;
  }

  /** Null where only the general way can say what the event means, or what is wrong with it. */
  pack(value: Uint8Array, start: number, offset: bigint, nowMs: number): PackedEvent | null {
    const { scan, places } = this.#placed;
    const event = this.#event;
    try {
      scan(value, start, value.length);
    } catch (error) {
      if (error instanceof BadDataError) return null;
      throw error;
    }
    const identity = this.#mapping.identity(value, start, places);
    if (identity === null || !this.#mapping.pack(value, places, nowMs, event)) return null;
    event.occurrence = this.#hash.h64Raw(identity, this.#seed);
    event.lineage = { offset, origin: this.#origin };
    return event;
  }
}
