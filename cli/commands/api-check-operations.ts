import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { buildClientSchema, buildSchema, type GraphQLSchema, getIntrospectionQuery } from 'graphql';
import { RefusedError } from '../../foundation/index.ts';
import { checkOperationFile, operationProblemText, queryLimitsDefault } from '../../query-api/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printableLines } from '../command-io.ts';
import { askGraphql } from '../graphql-client.ts';
import { addServerOptions, endpoint, type ServerOptions } from './server-option.ts';

interface CheckOptions extends ServerOptions {
  readonly schema?: string;
  readonly tokensMax?: string;
}

const examples = `Examples:
  jg api check-operations operations.json                          against a running server's schema
  jg api check-operations operations.json --schema schema.graphql  against one in a file
`;

/** `jg api check-operations`: would every operation of a list be answered. */
export function addCheckOperationsCommand(
  api: Command,
  io: CommandIo,
  finish: (code: ExitCode) => void,
): void {
  addServerOptions(api.command('check-operations'))
    .description('Checks a list of persisted operations against a schema.')
    .argument('<file>', "The list: Apollo's manifest, or Relay's object of ids and documents.")
    .option(
      '--schema <file>',
      "The schema as SDL (default: the running server's, which needs introspection).",
    )
    .option('--tokens-max <count>', 'As the setting query.tokens.max of the server.')
    .addHelpText('before', examples)
    .action(async (file: string, options: CheckOptions) => {
      const schema =
        options.schema === undefined ? await schemaOfServer(options) : await schemaOfFile(options.schema);
      const tokensMax = tokensOf(options.tokensMax);
      const { operations, problems } = await checkOperationFile(file, schema, tokensMax);
      if (options.json === true) io.out(`${JSON.stringify({ operations, problems })}\n`);
      else for (const problem of problems) io.err(`${printableLines(operationProblemText(file, problem))}\n`);
      if (problems.length === 0 && options.json !== true && options.quiet !== true)
        io.out(`${operations} operations fit the schema.\n`);
      finish(problems.length === 0 ? exitCodes.ok : exitCodes.failed);
    });
}

function tokensOf(text: string | undefined): number {
  if (text === undefined) return queryLimitsDefault.tokensMax;
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new RefusedError('UNEXPECTED_ARGUMENT', '--tokens-max takes a whole number from 1 on.');
}

async function schemaOfFile(file: string): Promise<GraphQLSchema> {
  try {
    return buildSchema(await readFile(file, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RefusedError('GRAPHQL_SCHEMA_INVALID', `${file} is no GraphQL schema: ${why}`, { cause });
  }
}

async function schemaOfServer(options: ServerOptions): Promise<GraphQLSchema> {
  const { data, errors } = await askGraphql(endpoint(options), getIntrospectionQuery(), {});
  const [error] = errors ?? [];
  if (error !== undefined) {
    const message = `The server did not say its schema (${error.message}): set api.introspection there, or pass --schema.`;
    throw new RefusedError('GRAPHQL_SCHEMA_INVALID', message);
  }
  return schemaOfIntrospection(data);
}

type Introspection = Parameters<typeof buildClientSchema>[0];

function schemaOfIntrospection(data: unknown): GraphQLSchema {
  if (isIntrospection(data)) return buildClientSchema(data);
  throw new RefusedError('GRAPHQL_SCHEMA_INVALID', 'The server did not say its schema: pass --schema.');
}

/** What is wrong inside, `buildClientSchema` says. */
function isIntrospection(data: unknown): data is Introspection {
  return typeof data === 'object' && data !== null && '__schema' in data;
}
