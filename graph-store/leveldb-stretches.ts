import { decodeGraphKey } from './graph-key.ts';
import type { Level } from './level.ts';
import { graphRange, metaKey } from './rows.ts';
import { Stretches } from './stretches.ts';

const chunkRows = 4096;

/** A store of before there were stretches has to know its newest event before a second one can begin, once: each key is read. */
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
  await db.put(metaKey.stretches, stretches.encode(), { sync: true });
  await db.readStretches();
}
