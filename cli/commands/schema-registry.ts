import type { Command } from 'commander';
import { BadDataError } from '../../foundation/index.ts';
import { AvroSchema } from '../../schemas/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from '../command-io.ts';
import { compileSource, type SchemaProblem, type SchemaSource } from '../schema-check.ts';
import { readText } from '../schema-files.ts';
import { diffOutlines, mappingRows, outlineOf } from '../schema-outline.ts';
import {
  addRegistryOptions,
  needed,
  type RegistryAccess,
  registered,
  registeredSource,
  withRegistry,
} from '../schema-registry-access.ts';
import { printJson, problemText } from '../schema-report.ts';
import { addTableOption, registeredTables, withTables } from '../schema-tables.ts';
import { renderTable, tableWidth } from '../table.ts';

type Finish = (code: ExitCode) => void;
interface Options {
  readonly [name: string]: unknown;
  readonly json?: boolean;
}

const subjectsMax = 1_000;

/** `jg schema list|show|diff`: what is in the registry. */
export function addSchemaRegistryCommands(schema: Command, io: CommandIo, finish: Finish): void {
  addList(schema, io, finish);
  addShow(schema, io, finish);
  addDiff(schema, io, finish);
}

function addList(schema: Command, io: CommandIo, finish: Finish): void {
  addRegistryOptions(schema.command('list'))
    .description('Prints the subjects of the registry, and which of them carry a mapping.')
    .option('--json', 'One JSON list.')
    .addHelpText('before', 'Examples:\n  jg schema list\n  jg schema list --json\n')
    .action(async (options: Options) => {
      const rows = await withRegistry(options, io, async (access) => {
        const { inspection } = needed(access);
        const subjects = await inspection.subjects();
        if (subjects.length > subjectsMax)
          io.err(`The registry has ${subjects.length} subjects; the first ${subjectsMax} are shown.\n`);
        const found: ListRow[] = [];
        for (const subject of subjects.slice(0, subjectsMax)) {
          const row = await listRow(subject, needed(access));
          if (row !== null) found.push(row);
        }
        return found;
      });
      if (options.json === true) printJson(rows, io);
      else {
        const cells = rows.map((row) => [
          row.subject,
          row.version === null ? '–' : String(row.version),
          row.id === null ? '–' : String(row.id),
          mappingText(row),
        ]);
        io.out(renderTable(['subject', 'version', 'id', 'mapping'], cells, tableWidth(io)));
        for (const { subject, problems } of rows) printFirst(subject, problems, io);
      }
      finish(exitCodes.ok);
    });
}

/** The newest version of a subject. */
interface ListRow {
  readonly subject: string;
  /** Null where it is no Avro. */
  readonly version: number | null;
  readonly id: number | null;
  readonly mapping: boolean;
  /** Why the mapping does not compile, or the schema cannot be read. */
  readonly problems: readonly SchemaProblem[];
}

async function listRow(subject: string, access: RegistryAccess): Promise<ListRow | null> {
  try {
    const latest = await access.registry.latest(subject);
    if (latest === null) return null;
    const {
      version,
      schema: { id, text },
    } = latest;
    const source = { ...registeredSource(latest), tables: await registeredTables(text, access) };
    const mapping = compileSource(source).schema?.graph !== undefined;
    return { subject, version, id, mapping, problems: problemsIn(source) };
  } catch (error) {
    // Such as a schema that is no Avro: it does not hide the others.
    if (!(error instanceof BadDataError)) throw error;
    const problem = { file: subject, line: 1, column: 1, path: '', sentence: error.message };
    return { subject, version: null, id: null, mapping: false, problems: [problem] };
  }
}

function mappingText({ mapping, problems }: ListRow): string {
  if (problems.length === 0) return mapping ? 'yes' : 'no';
  return mapping ? 'does not compile' : 'unreadable';
}

function printFirst(subject: string, [first, ...others]: readonly SchemaProblem[], io: CommandIo): void {
  if (first === undefined) return;
  const rest =
    others.length === 0 ? '' : ` (and ${others.length} more: jg schema check --subject ${subject})`;
  io.out(`${problemText(first)}${printable(rest)}\n`);
}

function addShow(schema: Command, io: CommandIo, finish: Finish): void {
  addRegistryOptions(schema.command('show'))
    .description('Prints a registered schema and what its mapping makes of an event.')
    .argument('<subject>', 'Such as rides-value.')
    .option('--version <number>', 'Which version (default: the newest).')
    .option('--json', 'One JSON object.')
    .addHelpText(
      'before',
      'Examples:\n  jg schema show rides-value\n  jg schema show rides-value --version 2 --json\n',
    )
    .action(async (subject: string, options: Options) => {
      const version = typeof options.version === 'string' ? options.version : undefined;
      const [found, tables] = await withRegistry(options, io, async (given) => {
        const access = needed(given);
        const shown = await registered(access, subject, version);
        return [shown, await registeredTables(shown.schema.text, access)] as const;
      });
      const avro = new AvroSchema(found.schema.text);
      const rows = mappingRows(avro, tables);
      const problems = problemsIn({ ...registeredSource(found), tables });
      if (options.json === true) {
        const {
          version: number,
          schema: { id },
        } = found;
        printJson({ subject, version: number, id, schema: avro.json, mapping: rows, problems }, io);
      } else {
        io.out(`${printable(subject)} version ${found.version}, id ${found.schema.id}\n`);
        io.out(`${printableLines(JSON.stringify(avro.json, null, 2))}\n\n`);
        if (avro.graph === undefined) io.out('It carries no mapping.\n');
        else if (problems.length > 0) {
          io.out('Its mapping does not compile:\n');
          for (const problem of problems) io.out(`${problemText(problem)}\n`);
        } else
          io.out(
            renderTable(
              ['part', 'name', 'kind', 'from'],
              rows.map(({ part, name, kind, from }) => [part, name, kind, from]),
              tableWidth(io),
            ),
          );
      }
      finish(exitCodes.ok);
    });
}

/** What keeps a version from being compared. One without a mapping is compared by its fields. */
function problemsIn(source: SchemaSource): readonly SchemaProblem[] {
  const { problems, schema } = compileSource(source);
  return schema !== null && schema.graph === undefined ? [] : problems;
}

function addDiff(schema: Command, io: CommandIo, finish: Finish): void {
  addTableOption(addRegistryOptions(schema.command('diff')))
    .description('Compares two versions: fields, and the nodes, edges and properties of the mapping.')
    .argument('<subject>', 'Such as rides-value.')
    .argument('[file]', 'Compare with this schema instead of a registered version.')
    .option(
      '--from <version>',
      'The older one (default: the one before the newest; with a file, the newest).',
    )
    .option('--to <version>', 'The newer one (default: the newest).')
    .option('--json', 'One JSON list.')
    .addHelpText(
      'before',
      'Examples:\n  jg schema diff rides-value\n  jg schema diff rides-value --from 1 --to 3\n  jg schema diff rides-value rides.avsc\n',
    )
    .action(async (subject: string, file: string | undefined, options: Options) => {
      const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
      const [before, after] = await withRegistry(options, io, async (given) => {
        const access = needed(given);
        const newer = file === undefined ? await registered(access, subject, text(options.to)) : null;
        const from =
          text(options.from) ?? (newer === null ? undefined : String(Math.max(1, newer.version - 1)));
        const older = await registered(access, subject, from);
        const own = file === undefined ? null : await readText(file);
        const newText = own ?? newer?.schema.text ?? '';
        const named = file ?? `${subject}@${newer?.version ?? ''}`;
        const after = await withTables({ file: named, text: newText, subject }, options.table, access);
        const oldTables = await registeredTables(older.schema.text, access);
        return [outlineOf(older.schema.text, oldTables), after] as const;
      });
      const problems = problemsIn(after);
      if (problems.length > 0) {
        if (options.json === true) printJson({ problems }, io);
        else for (const problem of problems) io.out(`${problemText(problem)}\n`);
        io.err('error SCHEMA_INVALID: Nothing was compared: correct the schema first.\n');
        finish(exitCodes.usage);
        return;
      }
      const differences = diffOutlines(before, outlineOf(after.text, after.tables));
      if (options.json === true) printJson(differences, io);
      else if (differences.length === 0) io.out('No difference.\n');
      else {
        const rows = differences.map(({ change, part, name, before: was, after: is }) => [
          change,
          part,
          name,
          was,
          is,
        ]);
        io.out(renderTable(['change', 'part', 'name', 'before', 'after'], rows, tableWidth(io)));
      }
      finish(exitCodes.ok);
    });
}
