import { cutFiles, drawHistory } from './backfill-testing.ts';
import { MemoryArchive } from './memory-archive.fake.ts';

/** What the child that is killed applies, and its parent after it. */
export function killedHistory(): {
  readonly history: ReturnType<typeof drawHistory>;
  readonly archive: MemoryArchive;
} {
  const history = drawHistory(11, 2_500, 3);
  return { history, archive: new MemoryArchive(cutFiles(11, history), 100) };
}
