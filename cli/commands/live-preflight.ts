import type { Command } from 'commander';
import { RefusedError } from '../../foundation/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from '../command-io.ts';
import { askGraphql } from '../graphql-client.ts';
import { field } from '../journey-text.ts';
import { reportErrors } from './query.ts';
import { addServerOptions, endpoint, type ServerOptions } from './server-option.ts';

interface PreflightOptions extends ServerOptions {
  readonly devicesPerMember?: string;
  readonly within?: string;
  readonly prefetched?: string;
}

const examples = `Examples:
  jg live preflight fight-1
  jg live preflight fight-1 --devices-per-member 1.4 --within 30
  jg live preflight fight-1 --json | jq .holds
`;
const question = `query($id: ID!, $devicesPerMember: Float!, $t100Ms: Int!, $prefetchShareMin: Float!) {
  liveEvent(id: $id) { preflight(devicesPerMember: $devicesPerMember, t100Ms: $t100Ms, prefetchShareMin: $prefetchShareMin) {
    holds gatewaysNeeded checks { name verdict sentence } prediction { socketsPerGateway t50Ms t99Ms t100Ms cpuSeconds } } } }`;

/** `jg live preflight`: can the plan of an event hold. `live` is the command of live events. */
export function addLivePreflight(live: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addServerOptions(live.command('preflight'))
    .description(
      'Says whether the plan of an event can hold: audience, prefetches, gateways and time left, by the model.',
    )
    .argument('<event>', 'The id of an event.')
    .option('--devices-per-member <number>', 'Devices of a member that are there at once, on average.', '1')
    .option('--within <seconds>', 'Every device is to have a stage within it.', '60')
    .option('--prefetched <share>', 'Share of the audience that is to have prefetched at the start.', '0.95')
    .addHelpText('before', examples)
    .addHelpText(
      'after',
      '\nExit codes: 0 it can hold; 1 it cannot, for reasons that are given; 2 wrong use.',
    )
    .action(async (id: string, options: PreflightOptions) => {
      const variables = {
        id,
        devicesPerMember: numberOf('--devices-per-member', options.devicesPerMember, 0.001, 100),
        t100Ms: Math.round(numberOf('--within', options.within, 0.001, 86_400) * 1000),
        prefetchShareMin: numberOf('--prefetched', options.prefetched, 0, 1),
      };
      const answer = await askGraphql(endpoint(options), question, variables);
      const code = reportErrors(answer, io);
      if (code !== exitCodes.ok) return finish(code);
      const event = field(answer.data, 'liveEvent');
      if (event === null || event === undefined)
        throw new RefusedError('LIVE_EVENT_UNKNOWN', `There is no live event \`${id.slice(0, 100)}\`.`);
      const preflight = field(event, 'preflight');
      const text = options.json === true ? JSON.stringify(preflight, null, 2) : textOf(preflight);
      io.out(`${printableLines(text)}\n`);
      finish(field(preflight, 'holds') === true ? exitCodes.ok : exitCodes.failed);
    });
}

function textOf(preflight: unknown): string {
  const checks = field(preflight, 'checks');
  const lines = Array.isArray(checks) ? checks.map(lineOf) : [];
  const verdict = field(preflight, 'holds') === true ? 'The plan can hold.' : 'No: the plan cannot hold.';
  return [...lines, '', verdict].join('\n');
}

function lineOf(check: unknown): string {
  const verdict = printable(String(field(check, 'verdict')).toLowerCase()).padEnd(8);
  return `${verdict} ${printable(String(field(check, 'name'))).padEnd(10)} ${printable(String(field(check, 'sentence')))}`;
}

function numberOf(flag: string, text: string | undefined, min: number, max: number): number {
  const value = /^\d{1,9}(\.\d{1,6})?$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new RefusedError('UNEXPECTED_ARGUMENT', `${flag} takes a number from ${min} to ${max}.`);
}
