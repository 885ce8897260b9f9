import {
  buildClientSchema,
  buildSchema,
  type GraphQLSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
} from 'graphql';
import { OutageError, RefusedError } from '../foundation/index.ts';
import { schemaOfGraph } from '../query-api/index.ts';
import { describeGraph, mergeDeclarations } from '../schemas/index.ts';
import { type CommandIo, printable } from './command-io.ts';
import { askGraphql, type GraphqlEndpoint } from './graphql-client.ts';
import { field } from './journey-text.ts';
import { liveSchema } from './live-schema.ts';
import { readText } from './schema-files.ts';
import { declarationsInForce, eventSubject } from './schema-neighbours.ts';
import { needed, withRegistry } from './schema-registry-access.ts';

/**
 * What a running server answers with now, what it has kept since its start included.
 *
 * @throws OutageError `INTROSPECTION_REFUSED`, and those of {@link askGraphql}.
 */
export async function schemaOfServer(server: GraphqlEndpoint): Promise<GraphQLSchema> {
  const query = getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true });
  const { data, errors } = await askGraphql(server, query, {});
  if (isIntrospection(data)) return buildClientSchema(data);
  const reason = errors?.[0]?.message ?? 'it has no schema';
  throw new OutageError(
    'INTROSPECTION_REFUSED',
    `${new URL(server.url).origin} does not tell its schema: ${reason} Ask with --schema.registry.url for the schema of the mappings in a registry.`,
  );
}

function isIntrospection(data: unknown): data is IntrospectionQuery {
  return typeof field(field(data, '__schema'), 'types') === 'object';
}

/** What a server that starts now makes of the mappings of a registry. Contradictions between them are said. */
export async function schemaOfRegistry(
  options: Readonly<Record<string, unknown>>,
  io: CommandIo,
): Promise<GraphQLSchema> {
  return await withRegistry(options, io, async (access) => {
    const known = needed(access);
    const subjects = new Set((await known.inspection.subjects()).map(eventSubject));
    const { schema, conflicts } = describeGraph(
      mergeDeclarations(await declarationsInForce(known, subjects)),
    );
    for (const { path, sentence } of conflicts) io.err(`warning: ${printable(`${path} ${sentence}`)}\n`);
    return schemaOfGraph(schema, await liveSchema(io));
  });
}

/** @throws RefusedError `SCHEMA_FILE_INVALID`, or as reading a file does. */
export async function schemaOfFile(path: string): Promise<GraphQLSchema> {
  const text = await readText(path);
  try {
    return buildSchema(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : 'it cannot be read';
    throw new RefusedError(
      'SCHEMA_FILE_INVALID',
      `${path} is no GraphQL schema (${reason}): take one that \`jg api schema\` printed.`,
      { cause },
    );
  }
}
