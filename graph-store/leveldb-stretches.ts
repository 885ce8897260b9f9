import { decodeGraphKey } from './graph-key.ts';
import type { Level } from './level.ts';
import { formatVersion, graphRange, metaKey } from './rows.ts';
import { Stretches } from './stretches.ts';

const chunkRows = 4096;

/**
 * A store of before there were stretches has to know its newest event before a second one can begin, once: each key is read. It is of the present format from then on, for
 * an older version would write newer events without saying so.
 */
export async function completeStretches(db: Level): Promise<void> {
  if ((await db.get(metaKey.stretches)) !== undefined) return;
  const stretches = new Stretches();
  await using rows = db.keysAlone({ ...graphRange, fillCache: false });
  for (;;) {
    const chunk = await rows.nextv(chunkRows);
    if (chunk.length === 0) break;
    for (const [key] of chunk) {
      const what = decodeGraphKey(key);
      if ('timeMs' in what) stretches.note(what.timeMs);
    }
  }
  const batch = db.batch();
  batch.put(metaKey.stretches, stretches.encode());
  batch.put(metaKey.format, Buffer.from(formatVersion));
  await batch.write({ sync: true });
  await db.readStretches();
}
