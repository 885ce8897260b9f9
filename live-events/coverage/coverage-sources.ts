import type { RoaringBitmap32 } from 'roaring-wasm';
import type { AudienceMembers } from '../ports.ts';

/** What coverage asks of others; gateways' reports say the rest. */
export interface CoverageSources {
  /** Asked for each report. Null: there is no such audience, or no longer. */
  audience(id: string): Promise<AudienceMembers | null>;
  /** Members who have prefetched for this event by now, as numbers of its audience; null where nobody keeps that. The caller disposes of it. */
  prefetched(event: string): Promise<RoaringBitmap32 | null>;
}
