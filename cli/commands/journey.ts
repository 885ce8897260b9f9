import type { Command } from 'commander';
import { RefusedError } from '../../foundation/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from '../command-io.ts';
import { askGraphql } from '../graphql-client.ts';
import { type Followed, followJourney } from '../journey-follow.ts';
import { field, journeyQuery, journeySteps, renderJourney } from '../journey-text.ts';
import { reportErrors } from './query.ts';
import { addServerOptions, endpoint, type ServerOptions } from './server-option.ts';

interface JourneyOptions extends ServerOptions {
  readonly since?: string;
  readonly until?: string;
  readonly domains?: string;
  readonly first?: string;
  readonly newest?: boolean;
  readonly follow?: boolean;
}

const examples = `Examples:
  jg journey Account:acc-000001
  jg journey Account:acc-000001 --domains streaming,games --since 2026-11-01T00:00:00Z
  jg journey Account:acc-000001 --newest --first 5 --json
  jg journey Account:acc-000001 --follow
  jg journey Account:acc-000001 --follow --since 2026-11-21T00:00:00Z --json | jq .action
`;

/** `jg journey`: a member's steps as a table a person can read. */
export function addJourneyCommand(program: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addServerOptions(program.command('journey'))
    .description('Prints what a member has been doing, step by step, across all domains.')
    .argument('<member>', "Type and id of the member's node, such as Account:acc-000001.")
    .option('--since <time>', 'From this time on, such as 2026-11-01T00:00:00Z.')
    .option('--until <time>', 'Before this time.')
    .option('--domains <names>', 'Only these domains, comma separated.')
    .option('--first <count>', 'At most so many steps.')
    .option('--newest', 'Newest first.')
    .option(
      '--follow',
      'Goes on printing steps as they are applied: those since --since or, without it, the newest few first.',
    )
    .addHelpText('before', examples)
    .action(async (member: string, options: JourneyOptions) => {
      if (options.follow === true) {
        finish(await followJourney(followed(member, options), endpoint(options), io));
        return;
      }
      const answer = await askGraphql(endpoint(options), journeyQuery, { ...variables(member, options) });
      const steps = journeySteps(answer.data);
      if (options.json === true) io.out(`${printableLines(JSON.stringify(answer.data ?? null, null, 2))}\n`);
      else if (steps !== null && steps.length > 0) io.out(renderJourney(steps));
      const note = (text: string): void => void (options.quiet === true || io.err(`${text}\n`));
      if (steps?.length === 0) note(`${printable(member)} has no steps there.`);
      const page = field(field(answer.data, 'journey'), 'pageInfo');
      if (field(page, 'hasNextPage') === true) note('There are more steps: pass a larger --first.');
      const code = reportErrors(answer, io);
      finish(code === exitCodes.ok && steps === null ? exitCodes.failed : code);
    });
}

function followed(member: string, options: JourneyOptions): Followed {
  if (options.until !== undefined || options.newest === true)
    throw new RefusedError('INVALID_FOLLOW', '--follow goes with neither --until nor --newest.');
  const { json = false, quiet = false } = options;
  return { ...variables(member, options), json, quiet };
}

interface Variables {
  readonly of: { readonly type: string; readonly id: string };
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly domains: readonly string[] | undefined;
  readonly first: number | undefined;
  readonly order: string;
}

function variables(member: string, options: JourneyOptions): Variables {
  const colon = member.indexOf(':');
  if (colon <= 0 || colon === member.length - 1)
    throw new RefusedError('INVALID_MEMBER', 'A member is written Type:id, such as Account:acc-000001.');
  const first = options.first === undefined ? undefined : Number(options.first);
  if (first !== undefined && !(Number.isSafeInteger(first) && first > 0))
    throw new RefusedError('INVALID_FIRST', '--first takes a whole number, 1 or more.');
  return {
    of: { type: member.slice(0, colon), id: member.slice(colon + 1) },
    since: options.since,
    until: options.until,
    domains: options.domains?.split(',').map((name) => name.trim()),
    first,
    order: options.newest === true ? 'NEWEST_FIRST' : 'OLDEST_FIRST',
  };
}
