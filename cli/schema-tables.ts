import type { Command } from 'commander';
import { BadDataError, RefusedError } from '../foundation/index.ts';
import { AvroSchema, findTables, lookupTopics, type TableSchemas } from '../schemas/index.ts';
import type { SchemaSource } from './schema-check.ts';
import { readText } from './schema-files.ts';
import type { RegistryAccess } from './schema-registry-access.ts';

/** Given as often as there are tables. */
export function addTableOption(command: Command): Command {
  const collect = (given: string, before: readonly string[]): readonly string[] => [...before, given];
  return command.option(
    '--table <topic=file>',
    'The schema of a table that the mapping looks rows up in (repeatable; default: the registry’s).',
    collect,
    [],
  );
}

/** The source with the tables of its mapping: those that were given, the others from the registry when there is one. */
export async function withTables(
  source: SchemaSource,
  given: unknown,
  access: RegistryAccess | null,
): Promise<SchemaSource> {
  const tables = await givenTables(given);
  const others = topicsOf(source.text).filter((topic) => !tables.has(topic));
  const found = access === null ? [] : await findTables(access.registry, others);
  return { ...source, tables: new Map([...tables, ...found]) };
}

/** The tables of a registered schema's mapping. */
export function registeredTables(text: string, { registry }: RegistryAccess): Promise<TableSchemas> {
  return findTables(registry, topicsOf(text));
}

/** None of a schema that is not valid: the compiler says what is wrong with it. */
function topicsOf(text: string): readonly string[] {
  try {
    return lookupTopics(new AvroSchema(text).graph);
  } catch (error) {
    if (error instanceof BadDataError) return [];
    throw error;
  }
}

async function givenTables(given: unknown): Promise<Map<string, AvroSchema>> {
  const tables = new Map<string, AvroSchema>();
  for (const one of Array.isArray(given) ? given : []) {
    const [, topic, file] = /^([^=]+)=(.+)$/.exec(String(one)) ?? [];
    if (topic === undefined || file === undefined)
      throw new RefusedError(
        'UNEXPECTED_ARGUMENT',
        '--table takes a topic and a file: --table titles.catalog=title.avsc.',
      );
    try {
      tables.set(topic, new AvroSchema(await readText(file)));
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      throw new RefusedError('TABLE_SCHEMA_INVALID', `${file} is no schema of a table: ${error.message}`, {
        cause: error,
      });
    }
  }
  return tables;
}
