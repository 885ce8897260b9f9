import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { RefusedError } from '../../foundation/index.ts';
import { LevelLiveJournal, liveJournalLimitsDefault } from '../../live-events/index.ts';
import { type CommandIo, type ExitCode, exitCodes } from '../command-io.ts';
import { liveJournalFolder } from '../live-folder.ts';

const examples = `After a data folder was restored from a copy, before its server is started:
  jg live renew-epoch --data ./data

Devices may hold changes that the copy does not have. In the new life of the journal all of them are told the state
that the copy has, and take it.
`;

/** `jg live renew-epoch`: on the folder itself, which no server may have open. */
export function addRenewEpoch(live: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  live
    .command('renew-epoch')
    .description('Begins another life of the journal, after it was restored from a copy.')
    .addHelpText('before', examples)
    .requiredOption('--data <folder>', 'The data folder, while no server has it open.')
    .option('--json', 'The answer as one JSON object.')
    .action(async ({ data, json }: { readonly data: string; readonly json?: boolean }) => {
      const folder = liveJournalFolder(data);
      if (!existsSync(join(folder, 'CURRENT'))) {
        throw new RefusedError(
          'LIVE_JOURNAL_MISSING',
          `There is no journal of live events in ${folder}: name the folder that \`jg up\` keeps its data in with --data.`,
        );
      }
      const nowMs = io.clock.now();
      const journal = await LevelLiveJournal.open(folder, nowMs, liveJournalLimitsDefault);
      try {
        const before = journal.epoch;
        const epoch = await journal.renewEpoch(nowMs, 'local');
        const events = journal.events.length;
        const what = events === 1 ? '1 event is' : `${events} events are`;
        const said = `Epoch ${epoch} follows ${before}; ${what} published anew with the next start.\n`;
        io.out(json === true ? `${JSON.stringify({ before, epoch, events })}\n` : said);
      } finally {
        await journal.close();
      }
      finish(exitCodes.ok);
    });
}
