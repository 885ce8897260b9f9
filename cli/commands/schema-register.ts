import type { Command } from 'commander';
import { isSameSchemaText } from '../../schemas/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printable } from '../command-io.ts';
import { type CheckReport, checkSource } from '../schema-check.ts';
import { readSource } from '../schema-files.ts';
import {
  addSampleOptions,
  type PreviewOptions,
  type PreviewOutcome,
  runPreview,
} from '../schema-preview-run.ts';
import { printPreview } from '../schema-preview-text.ts';
import { needed, type RegistryAccess, withRegistry } from '../schema-registry-access.ts';
import { printCheck, printJson } from '../schema-report.ts';
import { withTables } from '../schema-tables.ts';
import { lossMessage, outcomeJson, previewExitCode } from './schema-preview.ts';

interface RegisterOptions extends PreviewOptions {
  readonly subject: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface RegisterOutcome {
  readonly report: CheckReport;
  /** Null where no samples were asked for, or the schema itself is wrong. */
  readonly preview: PreviewOutcome | null;
  readonly registered: { readonly subject: string; readonly version: number; readonly id: number } | null;
  /** What was found instead of something to register. */
  readonly known: Known | null;
  readonly code: ExitCode;
}

/** The same text stands there already. */
interface Known {
  readonly version: number;
  readonly newest: number;
}

const seed = 1;

const examples = `Examples:
  jg schema register rides.avsc --subject rides-value --dry-run
  jg schema register rides.avsc --subject rides-value.graph
  jg schema register rides.avsc --subject rides-value.graph --topic rides
    previews it by real events first, and refuses when something would be lost
`;

/** `jg schema register`: check, preview where samples are named, register. */
export function addSchemaRegisterCommand(
  schema: Command,
  io: CommandIo,
  finish: (code: ExitCode) => void,
): void {
  addSampleOptions(schema.command('register'))
    .description(
      'Checks a schema as `jg schema check` does and, when nothing is wrong, registers it. With --topic or --samples it previews it before, and refuses (exit code 5) when something would be lost.',
    )
    .argument('<file>', 'An Avro schema with a `graph`.')
    .requiredOption('--subject <name>', 'Such as rides-value, or rides-value.graph for a reader schema.')
    .option('--dry-run', 'Check and preview only.')
    .option('--json', 'One JSON object.')
    .addHelpText('before', examples)
    .action(async (file: string, options: RegisterOptions) => {
      const outcome = await register(file, options, io);
      const { report, preview, registered: made, known, code } = outcome;
      if (options.json === true) {
        const shown = preview === null ? null : outcomeJson(preview);
        printJson({ report, preview: shown, registered: made, known }, io);
      } else {
        printCheck([report], [], io);
        if (preview !== null) printPreview(preview, io);
        if (made !== null)
          io.out(`Registered as ${printable(made.subject)} version ${made.version}, id ${made.id}.\n`);
      }
      if (known !== null) io.err(knownMessage(options.subject, known));
      if (code === exitCodes.loss) io.err(lossMessage);
      if (code !== exitCodes.ok) io.err('Nothing was registered.\n');
      finish(code);
    });
}

async function register(file: string, options: RegisterOptions, io: CommandIo): Promise<RegisterOutcome> {
  const { subject } = options;
  return withRegistry(options, io, async (given) => {
    const access = needed(given);
    const source = await withTables(await readSource(file, subject), options.table, access);
    const { plan, ...report } = await checkSource(source, seed, access);
    if (plan === null || report.problems.length > 0)
      return { report, preview: null, registered: null, known: null, code: exitCodes.usage };
    const standing = await sameText(subject, source.text, access);
    if (standing !== null) {
      const code = standing.version === standing.newest ? exitCodes.ok : exitCodes.usage;
      return { report, preview: null, registered: null, known: standing, code };
    }
    const isPreviewed = options.topic !== undefined || options.samples !== undefined;
    const preview = isPreviewed ? await runPreview(file, options, access, io) : null;
    const code = preview === null ? exitCodes.ok : previewExitCode(preview, options.acceptLoss === true);
    if (code !== exitCodes.ok || options.dryRun === true)
      return { report, preview, registered: null, known: null, code };
    const newest = await access.registry.latest(subject);
    const {
      version,
      schema: { id },
    } = await access.registry.register(subject, source.text);
    // The registry has its own rules of what is the same text.
    if (newest !== null && version <= newest.version) {
      const found = { version, newest: newest.version };
      const done = version === newest.version ? exitCodes.ok : exitCodes.usage;
      return { report, preview, registered: null, known: found, code: done };
    }
    return { report, preview, registered: { subject, version, id }, known: null, code };
  });
}

/** The newest version with this text, if there is one: a registry answers its number and changes nothing. */
async function sameText(subject: string, text: string, { registry }: RegistryAccess): Promise<Known | null> {
  const versions = await registry.versions(subject);
  const newest = versions.at(-1);
  const same = versions.findLast((one) => isSameSchemaText(one.schema.text, text));
  return same === undefined || newest === undefined
    ? null
    : { version: same.version, newest: newest.version };
}

function knownMessage(subject: string, { version, newest }: Known): string {
  if (version === newest) return `It is registered already, as ${printable(subject)} version ${version}.\n`;
  return `error ALREADY_REGISTERED: That text is ${printable(subject)} version ${version} already and version ${newest} is newer, so nothing changes: alter its \`doc\` to register it again.\n`;
}
