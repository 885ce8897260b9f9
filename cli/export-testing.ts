import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { createMutationBatch, type GraphStore, type Mutation, openLevelStore } from '../graph-store/index.ts';

export const firstMs = Date.UTC(2026, 10, 21, 20, 15);
const account = { type: 'Account', id: 'zoë' };
const title = { type: 'Title', id: 'dark' };

/** Of the bundled catalog's types, what fits its declarations and what does not. */
const changes: readonly Mutation[][] = [
  [
    {
      kind: 'node',
      node: account,
      properties: [
        ['country', 'DE'],
        ['profiles', 4],
        ['plan', 7],
        ['shoe', 2n ** 60n],
      ],
    },
  ],
  [
    {
      kind: 'edge',
      type: 'WATCHED',
      from: account,
      to: title,
      properties: [
        ['seconds', 3600n],
        ['completion', 0.5],
      ],
    },
    {
      kind: 'step',
      owner: account,
      domain: 'streaming',
      action: 'watched',
      links: [{ edge: 'WATCHED', direction: 'out', node: title }],
      properties: [['seconds', 3600n]],
    },
  ],
  [{ kind: 'edge', type: 'WATCHED', from: account, to: { type: 'Title', id: 'lost' }, properties: [] }],
  [{ kind: 'node-delete', node: { type: 'Title', id: 'lost' } }],
];

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-export-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function fill(store: GraphStore): Promise<void> {
  const source = { cluster: 'c', topic: 'plays', topicId: 'i', partition: 3 };
  const { epoch } = await store.claim(source);
  const batch = createMutationBatch();
  const origin = { schemaId: 7, subject: 'plays-value', version: 1 };
  for (const [i, mutations] of changes.entries()) {
    const lineage = { offset: BigInt(100 + i), origin };
    batch.add({ timeMs: firstMs + i, rank: 0, occurrence: 2n ** 64n - 1n - BigInt(i), mutations, lineage });
  }
  const count = changes.length;
  const fates = { consumed: count, applied: count, superseded: 0, filtered: 0, deadLettered: 0 };
  await store.apply({ source, epoch, from: 100n, next: 104n, fates, newestEventMs: firstMs + 3 }, batch);
}

/** A data folder whose store holds one account, the title that it watched, and one that was deleted. */
export async function dataWithStore(): Promise<string> {
  const data = await temporaryFolder();
  const store = await openLevelStore({ folder: join(data, 'store') }, systemClock);
  await fill(store);
  await store.close();
  return data;
}
