import type { GraphStore } from './graph-store.ts';
import { decodeOrigin, originRange } from './lineage.ts';

export interface AppliedMapping {
  readonly subject: string;
  readonly version: number;
}

/** By which mappings what the graph holds was written, each once, as far as lineage knows. Reads no row of the graph. */
export async function appliedMappings(
  store: Pick<GraphStore, 'snapshot'>,
): Promise<readonly AppliedMapping[]> {
  const found = new Map<string, AppliedMapping>();
  await using snapshot = await store.snapshot();
  for await (const [key, value] of snapshot.rows()) {
    // Origins come first.
    if (key[0] !== originRange.gte[0]) break;
    const { subject, version } = decodeOrigin(value);
    found.set(`${version} ${subject}`, { subject, version });
  }
  return [...found.values()];
}
