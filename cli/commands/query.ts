import type { Command } from 'commander';
import { RefusedError } from '../../foundation/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from '../command-io.ts';
import { askGraphql, type GraphqlAnswer } from '../graphql-client.ts';
import { addServerOptions, endpoint, type ServerOptions } from './server-option.ts';

interface QueryOptions extends ServerOptions {
  readonly variables?: string;
}

const examples = `Examples:
  jg query '{ status { nodes edges } }'
  jg query - --variables '{"id":"acc-000001"}' < journey.graphql
  jg query '{ node(type: "Account", id: "acc-000001") { properties } }' --json | jq .data
`;

/** `jg query`: one GraphQL question to a running server. */
export function addQueryCommand(program: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addServerOptions(program.command('query'))
    .description('Asks a running server one GraphQL question.')
    .argument('<graphql>', 'The query; - reads it from standard input.')
    .option('--variables <json>', 'Variables of the query, as a JSON object.')
    .addHelpText('before', examples)
    .action(async (graphql: string, options: QueryOptions) => {
      const query = graphql === '-' ? await io.readStdin() : graphql;
      const answer = await askGraphql(endpoint(options), query, parseVariables(options.variables));
      const shown = options.json === true ? answer : answer.data;
      if (shown !== undefined && shown !== null)
        io.out(`${printableLines(JSON.stringify(shown, null, 2))}\n`);
      finish(reportErrors(answer, io));
    });
}

/** GraphQL errors go to standard error, one a line; any makes the command fail. */
export function reportErrors(answer: GraphqlAnswer, io: CommandIo): ExitCode {
  for (const error of answer.errors ?? []) {
    io.err(`error ${printable(String(error.extensions?.code ?? 'UNKNOWN'))}: ${printable(error.message)}\n`);
  }
  return answer.errors === undefined || answer.errors.length === 0 ? exitCodes.ok : exitCodes.failed;
}

function parseVariables(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new RefusedError(
      'INVALID_VARIABLES',
      '--variables takes a JSON object such as {"id":"acc-000001"}.',
      { cause },
    );
  }
  if (!isObject(parsed)) {
    throw new RefusedError(
      'INVALID_VARIABLES',
      '--variables takes a JSON object such as {"id":"acc-000001"}.',
    );
  }
  return parsed;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
