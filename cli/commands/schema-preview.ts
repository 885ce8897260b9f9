import type { Command } from 'commander';
import { type CommandIo, type ExitCode, exitCodes } from '../command-io.ts';
import { compileSource, graphProblems, type SchemaProblem } from '../schema-check.ts';
import { readSource } from '../schema-files.ts';
import {
  addSampleOptions,
  type PreviewOptions,
  type PreviewOutcome,
  runPreview,
} from '../schema-preview-run.ts';
import { printPreview } from '../schema-preview-text.ts';
import { type RegistryAccess, withRegistry } from '../schema-registry-access.ts';
import { printJson } from '../schema-report.ts';
import { withTables } from '../schema-tables.ts';

const examples = `Examples:
  jg schema preview rides.avsc --topic rides
  jg schema preview rides.avsc --topic rides --from 2026-11-01T00:00:00Z --limit 5000
  jg schema preview rides.avsc --subject rides-value --samples rides.avro
  jg schema preview rides.avsc --against rides.v1.avsc --samples rides.fixtures --json
`;

const more = `
Samples come from the topic or from a file: an Avro object container file as
other tools write it, a folder of fixtures, or lines of JSON in the fixtures'
form, {"event": …}. The version in force is the newest one with a mapping under
<subject>.graph, else under the subject itself. Nothing is registered.

Exits with 5 when something is lost: an event, node, edge, step, delete or
property that comes out now would not any more, or an event would become a dead
letter, or a declaration destroys what is there: another kind of a property or
id, a new or shorter ttl, another fold or set rule, another or no eventId.
--accept-loss says that this is meant.
`;

export const lossMessage =
  'error PREVIEW_LOSS: The proposed version loses what is listed; --accept-loss says that this is meant.\n';

/** `jg schema preview`: what a version would do to the graph, before it is registered. */
export function addSchemaPreviewCommand(
  schema: Command,
  io: CommandIo,
  finish: (code: ExitCode) => void,
): void {
  addSampleOptions(schema.command('preview'))
    .description('Runs the registered and the proposed version over real events and shows the difference.')
    .argument('<file>', 'The proposed schema, with its `graph`.')
    .option('--subject <name>', 'Of the events (default: <topic>-value).')
    .option('--against <file>', 'Compare with this schema instead of the registered version.')
    .option('--json', 'One JSON object.')
    .addHelpText('before', examples)
    .addHelpText('after', more)
    .action(async (file: string, options: PreviewOptions) => {
      const outcome = await withRegistry(options, io, async (access) => {
        const previewed = await runPreview(file, options, access, io);
        const against = await conflictsOf(file, options, access, previewed);
        return against.length === 0 ? previewed : { ...previewed, problems: against };
      });
      const isAccepted = options.acceptLoss === true;
      if (options.json === true) printJson(outcomeJson(outcome), io);
      else printPreview(outcome, io);
      const code = previewExitCode(outcome, isAccepted);
      if (code === exitCodes.loss) io.err(lossMessage);
      finish(code);
    });
}

/** With the graph of all other subjects; not looked at where a file was named to compare with. */
async function conflictsOf(
  file: string,
  options: PreviewOptions,
  access: RegistryAccess | null,
  { problems }: PreviewOutcome,
): Promise<readonly SchemaProblem[]> {
  const { topic, subject = topic === undefined ? undefined : `${topic}-value`, against, table } = options;
  if (access === null || subject === undefined || against !== undefined || problems.length > 0) return [];
  const source = await withTables(await readSource(file, subject), table, access);
  return graphProblems(source, subject, compileSource(source), access);
}

export function previewExitCode({ problems, report, ended }: PreviewOutcome, isAccepted: boolean): ExitCode {
  if (problems.length > 0 || report === null) return exitCodes.usage;
  if (report.losses.length > 0 && !isAccepted) return exitCodes.loss;
  return ended === 'aborted' ? exitCodes.failed : exitCodes.ok;
}

export function outcomeJson({ problems, report, ended, notes }: PreviewOutcome): object {
  return { problems, ended, notes, ...(report ?? {}) };
}
