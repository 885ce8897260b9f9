import { silentLog, systemClock } from '../../foundation/index.ts';
import { createMemoryStore } from '../../graph-store/index.ts';
import { createWriter } from '../api-testing.ts';
import { crashMembers, crashWhere } from './audience-crash-members-testing.ts';
import { AudienceStore } from './audience-store.ts';
import { Audiences } from './audiences.ts';

/** The victim of `audience-crash.test.ts`: freezes one audience after another and prints a line for each that is there. */
const [folder = '', run = '0'] = process.argv.slice(2);
const graph = createMemoryStore(systemClock);
await (await createWriter(graph))(crashMembers());
let ids = 0;
const audiences = new Audiences({
  store: await AudienceStore.open(folder, { countMax: 10_000, bytesMax: 2 ** 30 }),
  sources: () => graph.sources(),
  clock: systemClock,
  log: silentLog,
  newId: () => `run${run}-${++ids}`,
  membersMax: 100_000,
});
for (let number = 0; ; number += 1) {
  const definition = { memberType: 'Account', where: crashWhere(number) };
  const begun = audiences.freeze(graph, {
    name: String(number),
    key: `${run}/${number}`,
    definition,
    askedBy: null,
  });
  const settled = await audiences.settled(begun.state === 'READY' ? begun.row.id : begun.id, 60_000);
  if (settled?.state === 'READY') process.stdout.write(`frozen ${settled.row.id} ${number}\n`);
}
