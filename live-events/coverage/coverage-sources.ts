import type { RoaringBitmap32 } from 'roaring-wasm';
import type { AudienceMembers } from '../ports.ts';

/** What coverage asks of others; gateways' reports say the rest. */
export interface CoverageSources {
  /** Asked for each report. Null: there is no such audience, or no longer. */
  audience(id: string): Promise<AudienceMembers | null>;
  /** Members of this audience who have prefetched for the event by now, as numbers of it; null where nobody keeps that, or keeps it of another audience. The caller disposes of it. */
  prefetched(event: string, audience: string): Promise<RoaringBitmap32 | null>;
}
