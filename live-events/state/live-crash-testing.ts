import { silentLog, systemClock } from '../../foundation/index.ts';
import { LevelLiveJournal } from './level-live-journal.ts';
import { LiveService, liveServiceLimitsDefault } from './live-service.ts';
import { asking, createFight, fightStages } from './live-testing.ts';

/** The victim of `live-crash.test.ts`: takes events through all their stages, three at once, and prints a line for each entry that it was told of. */
const [folder = '', run = '0'] = process.argv.slice(2);
const journal = await LevelLiveJournal.open(folder, systemClock.now(), { entriesMax: 4, removalsMax: 4 });
const service = new LiveService({
  journal,
  clock: systemClock,
  log: silentLog,
  limits: liveServiceLimitsDefault,
});
service.watch(({ event, sequence, after }) => process.stdout.write(`${event} ${sequence} ${after.stage}\n`));

async function runEvents(lane: number): Promise<never> {
  for (let number = 0; ; number += 1) {
    const id = `run${run}-${lane}-${number}`;
    await service.run(id, createFight, asking);
    for (const { key } of fightStages.slice(1))
      await service.run(id, { kind: 'advance', to: key, from: null }, asking);
  }
}

await Promise.all([runEvents(0), runEvents(1), runEvents(2)]);
