import { RoaringBitmap32 } from 'roaring-wasm';
import { must } from '../../foundation/index.ts';
import type { LevelStageMaps } from './level-stage-maps.ts';
import type { MapsVersion, SegmentRow } from './stage-map-rows.ts';

/** A version whose segments are in memory. Whoever replaces it lets go of what the next one does not share. */
export class ServedMaps {
  readonly version: MapsVersion;
  /** In the order of its segments: positions in the audience. */
  readonly bitmaps: readonly RoaringBitmap32[];

  constructor(version: MapsVersion, bitmaps: readonly RoaringBitmap32[]) {
    this.version = version;
    this.bitmaps = bitmaps;
  }

  static async load(store: LevelStageMaps, version: MapsVersion): Promise<ServedMaps> {
    const bitmaps: RoaringBitmap32[] = [];
    for (const { bitmap } of version.segments) {
      const bytes = await store.bitmap(version.event, bitmap);
      bitmaps.push(RoaringBitmap32.deserialize('portable', bytes));
    }
    return new ServedMaps(version, bitmaps);
  }

  /** Each member is in one. */
  indexOf(position: number): number {
    return this.bitmaps.findIndex((bitmap) => bitmap.has(position));
  }

  /** Null: whoever is no member, who gets the last, which is for everybody else. */
  segmentOf(position: number | null): SegmentRow {
    const { segments } = this.version;
    const index = position === null ? segments.length - 1 : this.indexOf(position);
    return must(segments[index], 'each member is in a segment');
  }

  disposeBut(next: ServedMaps | null): void {
    for (const bitmap of this.bitmaps) if (next?.bitmaps.includes(bitmap) !== true) bitmap.dispose();
  }
}
