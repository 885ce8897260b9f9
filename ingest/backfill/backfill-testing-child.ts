import { join } from 'node:path';
import { LocalObjectStore } from '../../archive/index.ts';
import { systemClock } from '../../foundation/index.ts';
import { openLevelStore } from '../../graph-store/index.ts';
import { BackfillJournal } from './backfill-journal.ts';
import { backfillOf, plan } from './backfill-testing.ts';
import { killedHistory } from './backfill-testing-history.ts';

/** The victim of `backfill-equality.test.ts`: makes the plan or goes on with it, until so many batches are durable; then it kills itself, some turns later. */
const [folder = '', batches = '1', turns = '0'] = process.argv.slice(2);
let left = Number(batches);
/** Batches that may become durable between the one it dies of and its death: so that it never gets to the end. */
const lateMax = 3;
const { archive } = killedHistory();
const store = await openLevelStore({ folder: join(folder, 'killed'), windowEventsMax: 64 }, systemClock);
const journal = new BackfillJournal(new LocalObjectStore(join(folder, 'journal')));
const frozen = await plan(archive);
await journal.freeze(frozen);
const { run } = backfillOf(store, frozen, archive, {
  journal,
  writes: {
    claim: (source) => store.claim(source),
    async apply(advance, mutations) {
      left -= 1;
      const after = left;
      if (after < -lateMax) return await new Promise<never>(() => undefined);
      const applied = await store.apply(advance, mutations);
      if (after === 0) {
        for (let turn = 0; turn < Number(turns); turn += 1) await systemClock.sleep(0);
        process.kill(process.pid, 'SIGKILL');
      }
      return applied;
    },
  },
});
await run.run(new AbortController().signal);
await store.close();
process.stdout.write('done\n');
