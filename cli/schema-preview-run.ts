import { type Command, Option } from 'commander';
import { type SamplingSettings, samplingSettingsFromProcess, settingSpecs } from '../config/index.ts';
import { RefusedError } from '../foundation/index.ts';
import type { SampleEnd, SampleStart } from '../ingest/index.ts';
import { normalizers } from '../processors/index.ts';
import { checkMapping, type MappedVersion, MappedVersionFinder, type MappingPlan } from '../schemas/index.ts';
import type { CommandIo } from './command-io.ts';
import { compileSource, type SchemaProblem } from './schema-check.ts';
import { readSource } from './schema-files.ts';
import { Preview, type PreviewReport, type PreviewSample, type PreviewVersion } from './schema-preview.ts';
import { addRegistryOptions, flagsOf, needed, type RegistryAccess } from './schema-registry-access.ts';
import { type SampleBounds, sampleFile, sampleTopic } from './schema-samples.ts';
import { addTableOption, registeredTables, withTables } from './schema-tables.ts';
import { wholeNumberOf } from './whole-number.ts';

export interface PreviewOptions {
  readonly [name: string]: unknown;
  readonly topic?: string;
  readonly samples?: string;
  readonly subject?: string;
  readonly against?: string;
  readonly from: string;
  readonly limit: string;
  readonly timeout: string;
  readonly acceptLoss?: boolean;
  readonly table?: readonly string[];
}

export interface PreviewOutcome {
  /** Of the proposed schema or of `--against`; nothing was run when there are some. */
  readonly problems: readonly SchemaProblem[];
  readonly report: PreviewReport | null;
  readonly ended: SampleEnd;
  readonly notes: readonly string[];
}

const limitMax = 100_000;
const timeoutSecondsMax = 3_600;
const progressMs = 500;
const connectionSettings = /^(client\.id|security\.protocol|sasl\.|ssl\.)/;
const readerSuffix = '.graph';

/** The options that say where samples come from. */
export function addSampleOptions(command: Command): Command {
  addTableOption(addRegistryOptions(command))
    .option('--topic <name>', 'Take samples from this topic. Reads only: no consumer group, no commits.')
    .option('--bootstrap.servers <list>', 'The Kafka brokers (default: the setting of that name).')
    .option('--kafka.properties <file>', 'A Kafka client.properties file.')
    .option('--samples <file>', 'Take samples from an Avro container file, a fixture folder, or JSON lines.')
    .option('--from <where>', 'Of a topic: newest, earliest, an offset, or a time.', 'newest')
    .option('--limit <number>', `How many samples, up to ${limitMax}.`, '1000')
    .option('--timeout <seconds>', 'Go on with the samples that have come by then.', '30')
    .option('--accept-loss', 'Exit with 0 although something is lost.');
  // Kafka's own tools have it in the singular.
  command.addOption(new Option('--bootstrap-server <list>').hideHelp());
  for (const [name, spec] of settingSpecs) {
    if (connectionSettings.test(name))
      command.addOption(new Option(`--${name} <value>`, spec.description).hideHelp());
  }
  return command;
}

/** Runs the version in force and the proposed one over the same samples. */
export async function runPreview(
  file: string,
  options: PreviewOptions,
  access: RegistryAccess | null,
  io: CommandIo,
): Promise<PreviewOutcome> {
  const bounds = boundsOf(options);
  const start = startOf(options.from);
  const subject = subjectOf(options);
  const settings = samplingSettingsFromProcess({ flags: flagsOf(options) });
  const proposed = await versionOfFile(file, subject, options, access);
  const before = await versionBefore(options, subject, access);
  const problems = [...proposed.problems, ...before.problems];
  if (proposed.version === null || problems.length > 0)
    return { problems, report: null, ended: 'done', notes: [] };
  const mapSettings = {
    futureMsMax: settings['event.future.ms.max'],
    mutationsMax: settings['mapping.mutations.max'],
  };
  const preview = new Preview(before.version, proposed.version, mapSettings, io.clock.now());
  const progress = new Progress(preview, bounds.limit, io);
  const take = (sample: PreviewSample): void => {
    preview.add(sample);
    progress.tick();
  };
  const schemas = [before.version, proposed.version].flatMap((version) =>
    version === null ? [] : [version.schema],
  );
  const ended = await takeSamples(options, start, bounds, settings, access, schemas, take, io);
  progress.end();
  if (preview.samples === 0) throw nothingSampled(options, ended);
  const notes = [...before.notes, ...standInNotes([before.version, proposed.version])];
  return { problems: [], report: preview.report(), ended, notes };
}

async function takeSamples(
  { topic, samples }: PreviewOptions,
  start: SampleStart,
  bounds: SampleBounds,
  settings: SamplingSettings,
  access: RegistryAccess | null,
  schemas: readonly PreviewVersion['schema'][],
  take: (sample: PreviewSample) => void,
  io: CommandIo,
): Promise<SampleEnd> {
  if (samples !== undefined) return sampleFile(samples, bounds, schemas, take, io.signal);
  return sampleTopic(topic ?? '', start, bounds, settings, needed(access).registry, take, io);
}

/** A preview reads no tables, so that it costs what its samples cost. */
function standInNotes(versions: readonly (PreviewVersion | null)[]): readonly string[] {
  const lookups = versions.flatMap((version) => version?.plan.lookups ?? []);
  const topics = [...new Set(lookups.map(({ topic }) => topic))].sort();
  return topics.map((topic) => `Rows of ${topic} are stand-ins here, made from their schema: each is found.`);
}

interface Found {
  readonly problems: readonly SchemaProblem[];
  readonly version: PreviewVersion | null;
  readonly notes: readonly string[];
}

async function versionOfFile(
  file: string,
  subject: string | null,
  { table }: PreviewOptions,
  access: RegistryAccess | null,
): Promise<Found> {
  const source = await withTables(await readSource(file, subject), table, access);
  const { problems, schema, plan } = compileSource(source);
  const version = schema === null || plan === null ? null : { label: file, schema, plan };
  return { problems, version, notes: [] };
}

/** What is in force: the newest version with a mapping, a reader schema first; or the file that was named instead. */
async function versionBefore(
  options: PreviewOptions,
  subject: string | null,
  access: RegistryAccess | null,
): Promise<Found> {
  const { against, subject: given } = options;
  if (against !== undefined) return versionOfFile(against, null, options, access);
  if (subject === null) {
    throw new RefusedError(
      'UNEXPECTED_ARGUMENT',
      'Name what to compare with: --subject rides-value (or --topic rides) for the registered version, or --against rides.v1.avsc.',
    );
  }
  const finder = new MappedVersionFinder(needed(access).registry, subject);
  const newest = await finder.newest();
  if (newest === null) return { problems: [], version: null, notes: [`${subject} has no mapping yet.`] };
  const notes: string[] = [];
  let found = newest;
  let plan = await planOf(newest, access);
  if (plan === null) {
    notes.push(`${labelOf(newest)} does not compile: an older one is in force, where one compiles.`);
    for (const older of await finder.older(newest)) {
      found = older;
      plan = await planOf(older, access);
      if (plan !== null) break;
    }
  }
  if (plan === null) return { problems: [], version: null, notes };
  const isBehind = found.subject.endsWith(readerSuffix) && given !== undefined && given !== found.subject;
  if (isBehind)
    notes.push(
      `${found.subject} comes before ${given}: registered there, the proposed version would not be in force.`,
    );
  return { problems: [], version: { label: labelOf(found), schema: found.schema, plan }, notes };
}

async function planOf(found: MappedVersion, access: RegistryAccess | null): Promise<MappingPlan | null> {
  const tables = await registeredTables(found.schema.text, needed(access));
  return checkMapping(found, found.schema, normalizers, tables).plan;
}

function labelOf({ subject, version }: MappedVersion): string {
  return `${subject} version ${version}`;
}

/** Of the events, whichever of the two subjects was named. */
function subjectOf({ subject, topic }: PreviewOptions): string | null {
  if (subject !== undefined)
    return subject.endsWith(readerSuffix) ? subject.slice(0, -readerSuffix.length) : subject;
  return topic === undefined ? null : `${topic}-value`;
}

function boundsOf({ topic, samples, limit, timeout }: PreviewOptions): SampleBounds {
  if ((topic === undefined) === (samples === undefined)) {
    throw new RefusedError(
      'UNEXPECTED_ARGUMENT',
      'Name where to take samples from: --topic rides, or --samples rides.ndjson; one of them.',
    );
  }
  return {
    limit: wholeNumberOf('--limit', limit, limitMax),
    timeoutMs: wholeNumberOf('--timeout', timeout, timeoutSecondsMax) * 1_000,
  };
}

function startOf(from: string): SampleStart {
  if (from === 'newest' || from === 'earliest') return { kind: from };
  if (/^\d{1,18}$/.test(from)) return { kind: 'offset', offset: BigInt(from) };
  const timeMs = /^\d{4}-\d\d-\d\d/.test(from) ? Date.parse(from) : Number.NaN;
  if (Number.isFinite(timeMs)) return { kind: 'time', timeMs };
  throw new RefusedError(
    'UNEXPECTED_ARGUMENT',
    '--from takes newest, earliest, an offset such as 1500, or a time such as 2026-11-01T00:00:00Z.',
  );
}

function nothingSampled({ topic, samples, from }: PreviewOptions, ended: SampleEnd): RefusedError {
  const why = ended === 'timeout' ? ' in time (--timeout)' : '';
  const where = samples ?? `topic ${topic ?? ''}${from === 'newest' ? '' : ` from ${from} on`}`;
  return new RefusedError('NO_SAMPLES', `${where} gave no sample${why}: nothing was compared.`);
}

/** One line that is written over again, where somebody sees it. */
class Progress {
  readonly #preview: Preview;
  readonly #limit: number;
  readonly #io: CommandIo;
  #shownMs: number;
  #isShown = false;

  constructor(preview: Preview, limit: number, io: CommandIo) {
    this.#preview = preview;
    this.#limit = limit;
    this.#io = io;
    this.#shownMs = io.clock.now();
  }

  tick(): void {
    if (!this.#io.errIsTerminal || this.#io.clock.now() - this.#shownMs < progressMs) return;
    this.#shownMs = this.#io.clock.now();
    this.#isShown = true;
    this.#io.err(`\r${this.#preview.samples} of at most ${this.#limit} samples`);
  }

  end(): void {
    if (this.#isShown) this.#io.err('\r\u001b[K');
  }
}
