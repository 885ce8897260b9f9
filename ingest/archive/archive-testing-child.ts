import { join } from 'node:path';
import { LocalObjectStore } from '../../archive/index.ts';
import { archiverParts, limits, openLog, openTestArchive, sourceOf } from './archive-testing.ts';
import { HookedStore } from './archive-testing-store.ts';
import { archiveToEnd } from './archive-to-end.ts';

/** The victim of `archiver-kill.test.ts`: archives until so many changes of the store were begun or done; then it kills itself. With 0 somebody else does. */
const [folder = '', changes = '1'] = process.argv.slice(2);
let left = Number(changes);
const store = new HookedStore(new LocalObjectStore(join(folder, 'archive')), () => {
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
});
const log = await openLog(folder);
const archive = openTestArchive(folder, { store });
process.stdout.write('archiving\n');
// Small ones, so that there are many commits to be killed in.
await archiveToEnd(archiverParts(archive, sourceOf(log)), { ...limits, commitBytesMax: 1 });
await log.close();
process.stdout.write('done\n');
