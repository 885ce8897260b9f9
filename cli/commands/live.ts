import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { RefusedError } from '../../foundation/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from '../command-io.ts';
import { askGraphql, type GraphqlAnswer } from '../graphql-client.ts';
import { field } from '../journey-text.ts';
import { liveQuestions } from '../live-questions.ts';
import { readMove, readSchedule, readStage } from '../live-schedule.ts';
import { renderLiveEvent, renderLiveEvents, renderLiveRemovals, renderLiveStage } from '../live-text.ts';
import { wholeNumberOf } from '../whole-number.ts';
import { addLivePreflight } from './live-preflight.ts';
import { addRenewEpoch } from './live-renew-epoch.ts';
import { reportErrors } from './query.ts';
import { addServerOptions, endpoint, type ServerOptions } from './server-option.ts';

interface ChangeOptions extends ServerOptions {
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly expectVersion?: string;
}

interface CreateOptions extends ChangeOptions {
  readonly title?: string;
  readonly stage?: readonly string[];
  readonly schedule?: string;
  readonly audience?: string;
  readonly plan?: string;
}

interface RescheduleOptions extends ChangeOptions {
  readonly stage: readonly string[];
  readonly following?: boolean;
}

const examples = `Examples:
  jg live create fight-1 --title "The fight" --stage lobby=+30m --stage live=+1h --stage round-2=by-hand --stage ended=+2h
  jg live create fight-1 --schedule fight.yaml --dry-run
  jg live reschedule fight-1 --stage live=+90m --following --reason "rain"
  jg live advance fight-1                 into the next stage, now
  jg live advance fight-1 round-2
  jg live end fight-1 --reason "knock-out"
  jg live cancel fight-1
  jg live status                          all events; with an id one, and its journal
  jg live watch fight-1
  jg live delete fight-1 --reason "a rehearsal"
  jg live removed                         who deleted which event
  jg live preflight fight-1               can its plan hold
  jg live renew-epoch --data ./data       after the data folder was restored from a copy
`;
const listFirst = 100;
const journalDefault = '20';
const watchEveryMs = 1000;

type Finish = (code: ExitCode) => void;

/** `jg live`: events in stages; made, moved, entered by hand, ended, and looked at. */
export function addLiveCommands(live: Command, io: CommandIo, finish: Finish): void {
  live.addHelpText('before', examples);
  addCreate(live, io, finish);
  addReschedule(live, io, finish);
  addAdvance(live, io, finish);
  addPlain(live, io, finish);
  addDelete(live, io, finish);
  addStatus(live, io, finish);
  addWatch(live, io, finish);
  addLivePreflight(live, io, finish);
  addRenewEpoch(live, io, finish);
}

function addCreate(live: Command, io: CommandIo, finish: Finish): void {
  addChangeOptions(live.command('create'), false)
    .description('Makes an event.')
    .argument('<id>', '1 to 64 letters, digits, dots, hyphens or underscores.')
    .option('--title <title>', 'What people call it (default: its id).')
    .option('--stage <stage>', stageHelp, collect)
    .option('--schedule <file>', 'Its stages as JSON or YAML; - reads standard input.')
    .option('--audience <id>', 'A frozen audience.')
    .option('--plan <file>', 'What its segments are shown.')
    .action(async (id: string, options: CreateOptions) => {
      const nowMs = io.clock.now();
      const file =
        options.schedule === undefined ? null : readSchedule(await readText(options.schedule, io), nowMs);
      const flags = (options.stage ?? []).map((text) => readStage(text, nowMs));
      if ((file === null) === (flags.length === 0)) {
        throw new RefusedError(
          'LIVE_SCHEDULE_INVALID',
          'Say the stages, either by --stage or in a file by --schedule.',
        );
      }
      const plan = options.plan === undefined ? null : await readText(options.plan, io);
      const variables = {
        id,
        title: options.title ?? file?.title ?? id,
        stages: file?.stages ?? flags,
        audience: options.audience ?? file?.audience ?? null,
        plan,
      };
      await change(io, options, liveQuestions.create, variables, finish);
    });
}

function addReschedule(live: Command, io: CommandIo, finish: Finish): void {
  addChangeOptions(live.command('reschedule'))
    .description('Moves stages that are still to come.')
    .argument('<id>', 'The event.')
    .requiredOption('--stage <stage>', moveHelp, collect)
    .option('--following', 'What follows a moved stage moves as far as that one.')
    .action(async (id: string, options: RescheduleOptions) => {
      const nowMs = io.clock.now();
      const moves = options.stage.map((text) => readMove(text, nowMs));
      const variables = { id, moves, following: options.following === true };
      await change(io, options, liveQuestions.reschedule, variables, finish);
    });
}

function addAdvance(live: Command, io: CommandIo, finish: Finish): void {
  addChangeOptions(live.command('advance'))
    .description('Enters a stage now.')
    .argument('<id>', 'The event.')
    .argument('[stage]', 'A later one (default: the next).')
    .action(async (id: string, stage: string | undefined, options: ChangeOptions) => {
      // Two who ask for the next stage at the same time mean the same one.
      const held =
        stage === undefined ? await askGraphql(endpoint(options), liveQuestions.stage, { id }) : null;
      const from = field(field(field(held?.data, 'answer'), 'currentStage'), 'key') ?? null;
      await change(io, options, liveQuestions.advance, { id, to: stage ?? null, from }, finish);
    });
}

/** What needs an id and at most one thing more. */
function addPlain(live: Command, io: CommandIo, finish: Finish): void {
  for (const [name, description] of [
    ['end', 'Ends it now.'],
    ['cancel', 'Calls it off; nothing follows.'],
  ] as const) {
    addChangeOptions(live.command(name))
      .description(description)
      .argument('<id>', 'The event.')
      .action((id: string, options: ChangeOptions) =>
        change(io, options, liveQuestions[name], { id }, finish),
      );
  }
  addChangeOptions(live.command('plan'))
    .description('Says what segments are shown.')
    .argument('<id>', 'The event.')
    .argument('<file>', 'The plan as JSON; - reads standard input.')
    .action(async (id: string, file: string, options: ChangeOptions) =>
      change(io, options, liveQuestions.plan, { id, plan: await readText(file, io) }, finish),
    );
  addChangeOptions(live.command('audience'))
    .description('Says whom it is for.')
    .argument('<id>', 'The event.')
    .argument('<audience>', 'A frozen audience.')
    .action((id: string, audience: string, options: ChangeOptions) =>
      change(io, options, liveQuestions.audience, { id, audience }, finish),
    );
}

function addDelete(live: Command, io: CommandIo, finish: Finish): void {
  addChangeOptions(live.command('delete'))
    .description('Removes an event that is over, with its journal; its id is not free again.')
    .argument('<id>', 'The event.')
    .action(async (id: string, options: ChangeOptions) => {
      const answer = await askGraphql(endpoint(options), liveQuestions.delete, { id, ...askedOf(options) });
      const isDeleted = field(answer.data, 'answer');
      const said = options.dryRun === true ? 'can be deleted' : 'is deleted';
      show(io, options, answer, () => (isDeleted === true ? `${printable(id)} ${said}.\n` : ''));
      const code = notThere(io, id, isDeleted === false ? null : isDeleted, reportErrors(answer, io));
      sayDryRun(io, options, code);
      finish(code);
    });
  addServerOptions(live.command('removed'))
    .description('Prints who deleted which event, newest first.')
    .action(async (options: ServerOptions) => {
      const answer = await askGraphql(endpoint(options), liveQuestions.removed, { first: listFirst });
      show(io, options, answer, renderLiveRemovals);
      finish(reportErrors(answer, io));
    });
}

function addStatus(live: Command, io: CommandIo, finish: Finish): void {
  addServerOptions(live.command('status'))
    .description('Prints the events there are, newest first; or one, with its stages and its journal.')
    .argument('[id]', 'The event.')
    .option('--last <count>', 'Entries of the journal, at most 100.', journalDefault)
    .action(async (id: string | undefined, options: ServerOptions & { readonly last: string }) => {
      if (id === undefined) {
        const answer = await askGraphql(endpoint(options), liveQuestions.list, { first: listFirst });
        show(io, options, answer, renderLiveEvents);
        return finish(reportErrors(answer, io));
      }
      const answer = await askGraphql(endpoint(options), liveQuestions.show, {
        id,
        last: wholeNumberOf('--last', options.last, lastMax),
      });
      show(io, options, answer, renderLiveEvent);
      return finish(notThere(io, id, field(answer.data, 'answer'), reportErrors(answer, io)));
    });
}

function addWatch(live: Command, io: CommandIo, finish: Finish): void {
  addServerOptions(live.command('watch'))
    .description('Prints a line for each change that is seen, until the event is over; asks each second.')
    .argument('<id>', 'The event.')
    .action(async (id: string, options: ServerOptions) => {
      let seen = '';
      while (!io.signal.aborted) {
        const answer = await askGraphql(endpoint(options), liveQuestions.stage, { id });
        const event = field(answer.data, 'answer');
        const code = notThere(io, id, event, reportErrors(answer, io));
        if (code !== exitCodes.ok) return finish(code);
        const line = options.json === true ? `${JSON.stringify(event)}\n` : renderLiveStage(event);
        if (line !== seen) io.out(line);
        seen = line;
        const kind = field(field(event, 'currentStage'), 'kind');
        if (kind === 'ENDED' || kind === 'REPLAY' || kind === 'CANCELLED') break;
        await io.clock.sleep(watchEveryMs, io.signal);
      }
      finish(exitCodes.ok);
    });
}

const moveHelp = 'KEY=TIME, as often as stages move; TIME is +10m, 2026-11-21T20:15:00Z or by-hand.';
const stageHelp =
  'KEY=TIME or KEY:KIND=TIME, as often as there are stages; TIME is +10m, 2026-11-21T20:15:00Z or by-hand.';

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

function addChangeOptions(command: Command, isVersioned = true): Command {
  addServerOptions(command)
    .option('--reason <text>', 'For the journal.')
    .option('--dry-run', 'Says what would come of it, and changes nothing.');
  if (isVersioned)
    command.option('--expect-version <number>', 'Refused when the schedule has another by now.');
  return command;
}

const versionMax = 999_999_999;
const lastMax = 100;

async function change(
  io: CommandIo,
  options: ChangeOptions,
  question: string,
  variables: Readonly<Record<string, unknown>>,
  finish: Finish,
): Promise<void> {
  const { expectedVersion, ...unversioned } = askedOf(options);
  const asked = question === liveQuestions.create ? unversioned : { ...unversioned, expectedVersion };
  const answer = await askGraphql(endpoint(options), question, { ...variables, ...asked });
  show(io, options, answer, renderLiveEvent);
  const code = reportErrors(answer, io);
  sayDryRun(io, options, code);
  finish(code);
}

function askedOf(options: ChangeOptions): {
  readonly reason: string | null;
  readonly dryRun: boolean;
  readonly expectedVersion: number | null;
} {
  const { reason = null, dryRun = false, expectVersion } = options;
  const expectedVersion =
    expectVersion === undefined ? null : wholeNumberOf('--expect-version', expectVersion, versionMax);
  return { reason, dryRun, expectedVersion };
}

function sayDryRun(io: CommandIo, { dryRun, quiet }: ChangeOptions, code: ExitCode): void {
  if (dryRun === true && code === exitCodes.ok && quiet !== true) io.err('Nothing was changed.\n');
}

function show(
  io: CommandIo,
  { json }: ServerOptions,
  { data }: GraphqlAnswer,
  render: (value: unknown) => string,
): void {
  const value = field(data, 'answer');
  if (value === undefined || value === null) return;
  io.out(json === true ? `${printableLines(JSON.stringify(value, null, 2))}\n` : render(value));
}

function notThere(io: CommandIo, id: string, found: unknown, code: ExitCode): ExitCode {
  if (code !== exitCodes.ok || (found !== null && found !== undefined)) return code;
  io.err(
    `error LIVE_EVENT_UNKNOWN: There is no event ${printable(id)}; \`jg live status\` has those there are.\n`,
  );
  return exitCodes.failed;
}

/** Throws RefusedError LIVE_FILE_UNREADABLE. */
async function readText(file: string, io: CommandIo): Promise<string> {
  if (file === '-') return await io.readStdin();
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new RefusedError(
      'LIVE_FILE_UNREADABLE',
      `${file} cannot be read; check its name and permissions.`,
      { cause },
    );
  }
}
