import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RefusedError } from '../foundation/index.ts';
import type { NodeRef } from '../graph-store/index.ts';
import { AudienceStore, aboutAudience, type TableFormat } from '../query-api/index.ts';
import { pageEncoder } from './page-encoders.ts';

const pageMembers = 4096;
/** Nothing is put there. */
const noLimits = { countMax: Number.POSITIVE_INFINITY, bytesMax: Number.POSITIVE_INFINITY };

/** A table of an audience's members, of a data folder that no server has open. Throws RefusedError AUDIENCE_UNKNOWN. */
export async function openMembers(
  data: string,
  id: string,
  format: TableFormat,
): Promise<AsyncIterable<Uint8Array>> {
  const folder = join(data, 'audiences');
  if (!existsSync(folder)) throw unknown(id);
  const store = await AudienceStore.open(folder, noLimits);
  const row = store.get(id);
  if (row === null) {
    await store.close();
    throw unknown(id);
  }
  return closing(store, pageEncoder(format).members(pagesOf(store, id), aboutAudience(row)));
}

async function* pagesOf(store: AudienceStore, id: string): AsyncGenerator<readonly NodeRef[]> {
  for (let after: number | null = null; ; ) {
    const page: Awaited<ReturnType<AudienceStore['page']>> = await store.page(id, after, pageMembers);
    yield page.members;
    if (!page.more) return;
    after = page.numbers.at(-1) ?? null;
  }
}

async function* closing(store: AudienceStore, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } finally {
    await store.close();
  }
}

function unknown(id: string): RefusedError {
  return new RefusedError(
    'AUDIENCE_UNKNOWN',
    `There is no audience ${id} here; \`jg audience list\` shows what there is.`,
  );
}
