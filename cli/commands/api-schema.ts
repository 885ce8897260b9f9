import type { Command } from 'commander';
import { findBreakingChanges, findDangerousChanges, introspectionFromSchema, printSchema } from 'graphql';
import { RefusedError } from '../../foundation/index.ts';
import { clientTypes } from '../../query-api/index.ts';
import { schemaOfFile, schemaOfRegistry, schemaOfServer } from '../api-schema-source.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from '../command-io.ts';
import { addRegistryOptions } from '../schema-registry-access.ts';
import { printJson } from '../schema-report.ts';
import { addServerOptions, endpoint, type ServerOptions } from './server-option.ts';

interface ApiOptions extends ServerOptions {
  readonly [name: string]: unknown;
  readonly against?: string;
}

const registryUrl = 'schema.registry.url';
const schemaExamples = `Examples:
  jg api schema > api.graphql                                    of a running server
  jg api schema --schema.registry.url http://localhost:8081      of the mappings in a registry
  jg api schema --against api.graphql                            what has changed since, for clients
`;
const typesExamples = `Examples:
  jg api types > graph.ts
  jg api types --url http://127.0.0.1:4100 > src/graph.ts
  jg api types --schema.registry.url http://localhost:8081 > graph.ts
`;

/** `jg api schema` and `jg api types`: what clients of the GraphQL API build on. */
export function addApiSchemaCommands(api: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addSchema(api, io, finish);
  addTypes(api, io, finish);
}

function addSchema(api: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addRegistryOptions(addServerOptions(api.command('schema')))
    .description(
      'Prints the schema in force as SDL, with --json as introspection has it. With --against it lists what breaks clients or may, and exits with 5 when something does.',
    )
    .option('--against <file>', 'An earlier schema, as this command printed it.')
    .addHelpText('before', schemaExamples)
    .action(async (options: ApiOptions) => {
      const before = options.against === undefined ? null : await schemaOfFile(options.against);
      const now = await schemaOf(options, io);
      if (before !== null) {
        finish(
          printChanges(findBreakingChanges(before, now), findDangerousChanges(before, now), options, io),
        );
        return;
      }
      if (options.json === true) printJson(introspectionFromSchema(now), io);
      else io.out(`${printableLines(printSchema(now))}\n`);
      finish(exitCodes.ok);
    });
}

function addTypes(api: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addRegistryOptions(addServerOptions(api.command('types')))
    .description(
      'Prints a TypeScript module with the types of the schema in force, for `journey-graph/client`.',
    )
    .addHelpText('before', typesExamples)
    .action(async (options: ApiOptions) => {
      const types = clientTypes(await schemaOf(options, io));
      if (options.json === true) printJson({ types }, io);
      else io.out(printableLines(types));
      finish(exitCodes.ok);
    });
}

/** Of the server, unless a registry is named. */
function schemaOf(options: ApiOptions, io: CommandIo): ReturnType<typeof schemaOfServer> {
  if (options[registryUrl] === undefined) return schemaOfServer(endpoint(options));
  if (options.url !== undefined)
    throw new RefusedError('UNEXPECTED_ARGUMENT', 'Name a server with --url or a registry, not both.');
  return schemaOfRegistry(options, io);
}

interface Change {
  readonly type: string;
  readonly description: string;
}

function printChanges(
  breaking: readonly Change[],
  dangerous: readonly Change[],
  { json }: ApiOptions,
  io: CommandIo,
): ExitCode {
  const plain = (changes: readonly Change[]): readonly Change[] =>
    changes.map(({ type, description }) => ({ type, description }));
  if (json === true) printJson({ breaking: plain(breaking), dangerous: plain(dangerous) }, io);
  else {
    const line = (kind: string) => (change: Change) =>
      `${kind}: ${printable(change.description)} (${change.type})\n`;
    io.out([...breaking.map(line('breaking')), ...dangerous.map(line('dangerous'))].join(''));
    io.out(`${breaking.length} breaking, ${dangerous.length} dangerous changes\n`);
  }
  return breaking.length > 0 ? exitCodes.loss : exitCodes.ok;
}
