import type { Command } from 'commander';
import { RefusedError } from '../../foundation/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from '../command-io.ts';
import { reportFailure } from '../failure.ts';
import { lineDiff } from '../line-diff.ts';
import {
  type CheckReport,
  checkSource,
  compileSource,
  graphConflicts,
  type SchemaSource,
} from '../schema-check.ts';
import { readSource } from '../schema-files.ts';
import { type FixtureOutcome, fixtureFolder, runFixtures } from '../schema-fixtures.ts';
import {
  addRegistryOptions,
  needed,
  registered,
  registeredSource,
  withRegistry,
} from '../schema-registry-access.ts';
import { printCheck, printJson, problemText } from '../schema-report.ts';
import { addTableOption, withTables } from '../schema-tables.ts';
import { addSchemaNewCommand } from './schema-new.ts';
import { addSchemaPreviewCommand } from './schema-preview.ts';
import { addSchemaRegisterCommand } from './schema-register.ts';
import { addSchemaRegistryCommands } from './schema-registry.ts';

const overview = `Examples:
  jg schema new rides.avsc > rides.graph.avsc        propose a mapping
  jg schema check rides.graph.avsc                   is it right
  jg schema test --update rides.graph.avsc           keep what it makes of events
  jg schema preview rides.graph.avsc --topic rides   what would it change
  jg schema register rides.graph.avsc --subject rides-value
`;
const seedDefault = '1';

/** `jg schema`: event schemas and what their mappings make of events. */
export function addSchemaCommands(schema: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  schema.addHelpText('before', overview);
  addSchemaNewCommand(schema, io, finish);
  addCheck(schema, io, finish);
  addTest(schema, io, finish);
  addSchemaPreviewCommand(schema, io, finish);
  addSchemaRegisterCommand(schema, io, finish);
  addSchemaRegistryCommands(schema, io, finish);
}

interface CheckOptions {
  readonly subject?: string;
  readonly table?: readonly string[];
  readonly seed: string;
  readonly json?: boolean;
}

function addCheck(schema: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addTableOption(addRegistryOptions(schema.command('check')))
    .description(
      'Compiles a mapping, tries it on generated events and on the fixtures beside it, and says every problem as file:line:column: path: sentence; exits with 2 when there is one.',
    )
    .argument('[files...]', 'Avro schemas with a `graph`; those given together must agree on the graph.')
    .option('--subject <name>', 'Compare with what is registered there; without a file, check that.')
    .option('--seed <number>', 'For the generated events.', seedDefault)
    .option('--json', 'One JSON object.')
    .addHelpText(
      'before',
      'Examples:\n  jg schema check rides.avsc\n  jg schema check schemas/*.avsc --json\n  jg schema check rides.avsc --subject rides-value --schema.registry.url http://localhost:8081\n',
    )
    .action(async (files: readonly string[], options: CheckOptions) => {
      const subject = options.subject ?? null;
      if (files.length === 0 && subject === null)
        throw new RefusedError('UNEXPECTED_ARGUMENT', 'Name a schema file, or a subject with --subject.');
      if (files.length > 1 && subject !== null)
        throw new RefusedError('UNEXPECTED_ARGUMENT', '--subject goes with one file.');
      const unread: RefusedError[] = [];
      const reports = await withRegistry({ ...options }, io, async (access) => {
        const sources: SchemaSource[] = [];
        for (const file of files) {
          try {
            sources.push(await readSource(file, subject));
          } catch (error) {
            // One that cannot be read does not hide what is wrong with the others.
            if (!(error instanceof RefusedError) || files.length === 1) throw error;
            unread.push(error);
          }
        }
        if (files.length === 0 && subject !== null) {
          sources.push(registeredSource(await registered(needed(access), subject, undefined)));
        }
        const checked = [];
        for (const source of sources) {
          const whole = await withTables(source, options.table, access);
          checked.push(await checkSource(whole, seedOf(options.seed), access));
        }
        return checked;
      });
      const conflicts = graphConflicts(reports.flatMap(({ plan }) => (plan === null ? [] : [plan])));
      const shown: CheckReport[] = reports.map(({ plan: _, ...report }) => report);
      const isFine =
        unread.length === 0 && conflicts.length === 0 && shown.every(({ problems }) => problems.length === 0);
      if (options.json === true) printJson({ fine: isFine, schemas: shown, conflicts }, io);
      else printCheck(shown, conflicts, io);
      for (const error of unread) reportFailure(error, io);
      finish(isFine ? exitCodes.ok : exitCodes.usage);
    });
}

interface TestOptions {
  readonly table?: readonly string[];
  readonly update?: boolean;
  readonly seed: string;
  readonly json?: boolean;
}

function addTest(schema: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addTableOption(schema.command('test'))
    .description('Runs the fixtures beside each schema (NAME.fixtures/CASE.json): event in, mutations out.')
    .argument('<files...>', 'Avro schemas with a `graph`.')
    .option('--update', 'Write what comes out as what is expected; generate fixtures where there are none.')
    .option('--seed <number>', 'For the generated events.', seedDefault)
    .option('--json', 'One JSON list.')
    .addHelpText(
      'before',
      'Examples:\n  jg schema test rides.avsc\n  jg schema test --update rides.avsc\n  jg schema test schemas/*.avsc --json\n',
    )
    .action(async (files: readonly string[], options: TestOptions) => {
      const outcomes: FixtureOutcome[] = [];
      for (const file of files) outcomes.push(...(await testFile(file, options)));
      const failed = outcomes.filter(({ result }) => result === 'different' || result === 'broken');
      if (options.json === true) printJson(outcomes, io);
      else printOutcomes(outcomes, io);
      finish(failed.length === 0 ? exitCodes.ok : exitCodes.failed);
    });
}

async function testFile(file: string, options: TestOptions): Promise<readonly FixtureOutcome[]> {
  const { problems, schema, plan } = compileSource(
    await withTables(await readSource(file, null), options.table, null),
  );
  if (schema === null || plan === null)
    return problems.map((problem) => ({ file, result: 'broken', reason: problemText(problem) }));
  const outcomes = await runFixtures(file, { schema, plan }, options.update === true, seedOf(options.seed));
  if (outcomes.length > 0) return outcomes;
  const reason = `has no fixtures in ${fixtureFolder(file)}: --update generates some`;
  return [{ file, result: 'broken', reason }];
}

function printOutcomes(outcomes: readonly FixtureOutcome[], io: CommandIo): void {
  for (const outcome of outcomes) {
    if (outcome.result === 'broken') io.out(`${printable(`${outcome.file}: ${outcome.reason}`)}\n`);
    else if (outcome.result === 'different') {
      const lines = lineDiff(outcome.expected, outcome.actual).map((line) => `  ${line}`);
      io.out(`${printable(outcome.file)}: differs (- expected, + what came out)\n`);
      io.out(`${printableLines(lines.join('\n'))}\n`);
    }
  }
  const count = (result: FixtureOutcome['result']): number =>
    outcomes.filter((outcome) => outcome.result === result).length;
  const counts = (['same', 'written', 'different', 'broken'] as const)
    .filter((result) => count(result) > 0)
    .map((result) => `${count(result)} ${result}`);
  io.out(`${counts.join(', ')}\n`);
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (Number.isInteger(seed) && seed >= 0 && seed <= 1_000_000) return seed;
  throw new RefusedError('UNEXPECTED_ARGUMENT', '--seed takes a whole number from 0 to 1000000.');
}
