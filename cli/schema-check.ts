import { BadDataError } from '../foundation/index.ts';
import { normalizers } from '../processors/index.ts';
import {
  AvroSchema,
  type CompatibilityBreak,
  checkMapping,
  declarationsOf,
  describeGraph,
  explainCompatibility,
  type MappingPlan,
  mergeDeclarations,
  type TableSchemas,
} from '../schemas/index.ts';
import { declaredLosses, declaredRemovals } from './schema-declared-losses.ts';
import { runFixtures } from './schema-fixtures.ts';
import { neighbourConflicts, strayReaderSubject, versionInForce } from './schema-neighbours.ts';
import { declarationPath, schemaPathOf, schemaProblem } from './schema-places.ts';
import { indexPositions, type SchemaPositions } from './schema-positions.ts';
import type { RegistryAccess } from './schema-registry-access.ts';
import { tryGenerated } from './schema-trial.ts';

/** A schema's text and what it is called: a file, or `subject@version`. */
export interface SchemaSource {
  readonly file: string;
  readonly text: string;
  /** Where it is or will be registered; null when that is not known. */
  readonly subject: string | null;
  /** There is no such file: the text is what the registry has. False when not given. */
  readonly isRegistered?: boolean;
  /** Of the lookups of its mapping; none when not given. */
  readonly tables?: TableSchemas;
}

export interface SchemaProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly sentence: string;
}

/** What the mapping made of generated events. */
export interface EventCounts {
  readonly generated: number;
  readonly mapped: number;
  readonly filtered: number;
  readonly deadLettered: number;
  /** False when the schema is too large for each of its branches to be visited. */
  readonly complete: boolean;
}

export interface CompatibilityReport {
  readonly mode: string;
  readonly against: readonly {
    readonly version: number;
    readonly compatible: boolean;
    readonly breaks: readonly CompatibilityBreak[];
    readonly registrySays: readonly string[];
  }[];
}

export interface CheckReport {
  readonly file: string;
  readonly subject: string | null;
  readonly problems: readonly SchemaProblem[];
  /** What is right by the rules and yet worth knowing. */
  readonly notes: readonly string[];
  readonly events: EventCounts | null;
  readonly compatibility: CompatibilityReport | null;
}

/** A schema that passed the compiler. */
export interface CompiledSource {
  readonly schema: AvroSchema;
  readonly plan: MappingPlan;
}

export interface Compiled {
  readonly problems: readonly SchemaProblem[];
  readonly schema: AvroSchema | null;
  readonly plan: MappingPlan | null;
}

/** Valid Avro within the limits, with a mapping that compiles; all problems of the mapping at once. */
export function compileSource({ file, text, subject, isRegistered, tables }: SchemaSource): Compiled {
  let schema: AvroSchema;
  try {
    schema = new AvroSchema(text);
  } catch (error) {
    if (error instanceof BadDataError)
      return { problems: [schemaProblem(file, text, error)], schema: null, plan: null };
    throw error;
  }
  const positions = indexPositions(text);
  if (schema.graph === undefined) {
    const sentence =
      isRegistered === true
        ? 'carries no mapping: put its schema into a file, and `jg schema new` proposes one for it'
        : `carries no mapping: \`jg schema new ${file}\` proposes one`;
    return { problems: [{ file, ...positions.ofPath(''), path: 'graph', sentence }], schema, plan: null };
  }
  const { problems, plan } = checkMapping(
    { subject: subject ?? file, version: 1 },
    schema,
    normalizers,
    tables,
  );
  return {
    problems: problems
      .map(({ path, sentence }) => ({ file, ...positions.ofPath(path), path, sentence }))
      .sort(byPlace),
    schema,
    plan,
  };
}

/** What {@link compileSource} says, and what becomes of generated events. */
export async function checkSource(
  source: SchemaSource,
  seed: number,
  access: RegistryAccess | null,
): Promise<CheckReport & { readonly plan: MappingPlan | null }> {
  const { file, subject } = source;
  const { problems, schema, plan } = compileSource(source);
  const hasFixtures = plan !== null && source.isRegistered !== true;
  const report = { file, subject, plan };
  if (schema === null) return { ...report, problems, notes: [], events: null, compatibility: null };
  const positions = indexPositions(source.text);
  const trial = plan === null ? null : tryMapping(schema, plan, seed, { file, positions });
  const fixtures = !hasFixtures ? [] : await fixtureProblems(file, { schema, plan }, seed);
  const registry =
    access === null || subject === null ? null : await compare(source, subject, schema, positions, access);
  const graph =
    access === null || subject === null ? null : await compareGraph(source, subject, schema, plan, access);
  return {
    ...report,
    problems: [
      ...problems,
      ...(graph?.problems ?? []),
      ...(plan === null ? [] : ownConflicts(file, schema, plan, positions)),
      ...(trial?.problems ?? []),
      ...fixtures,
      ...(registry?.problems ?? []),
      ...(access === null || subject === null
        ? []
        : await unreadEvents(file, subject, schema, positions, access)),
    ].sort(byPlace),
    notes: [...(trial?.notes ?? []), ...(registry?.notes ?? []), ...(graph?.notes ?? [])],
    events: trial?.events ?? null,
    compatibility: registry?.compatibility ?? null,
  };
}

function byPlace(a: SchemaProblem, b: SchemaProblem): number {
  return a.line - b.line || a.column - b.column;
}

/** Those beside the schema, if there are any: what differs is shown by `jg schema test`. */
async function fixtureProblems(
  file: string,
  compiled: CompiledSource,
  seed: number,
): Promise<readonly SchemaProblem[]> {
  const outcomes = await runFixtures(file, compiled, false, seed);
  return outcomes.flatMap((outcome) => {
    const at = { file: outcome.file, line: 1, column: 1, path: '' };
    if (outcome.result === 'broken') return [{ ...at, sentence: outcome.reason }];
    if (outcome.result !== 'different') return [];
    const sentence = `something else comes out: \`jg schema test ${file}\` shows what, and --update accepts it`;
    return [{ ...at, sentence }];
  });
}

/** What the mappings of several schemas say against each other; what one says against itself is a problem of its own. */
export function graphConflicts(plans: readonly MappingPlan[]): readonly string[] {
  const { conflicts } = describeGraph(mergeDeclarations(plans.map(declarationsOf)));
  return conflicts
    .filter(({ declaredBy }) => declaredBy.length !== 1)
    .map(({ path, sentence }) => `${path}: ${sentence}`);
}

/** Such as two names that are one in GraphQL. */
function ownConflicts(
  file: string,
  schema: AvroSchema,
  plan: MappingPlan,
  positions: SchemaPositions,
): readonly SchemaProblem[] {
  return describeGraph(declarationsOf(plan)).conflicts.map(({ path, sentence }) => {
    const at = declarationPath(schema.json, path) ?? 'graph';
    return { file, ...positions.ofPath(at), path: at, sentence: `${path} ${sentence}` };
  });
}

interface Place {
  readonly file: string;
  readonly positions: SchemaPositions;
}

function tryMapping(
  schema: AvroSchema,
  plan: MappingPlan,
  seed: number,
  { file, positions }: Place,
): { problems: readonly SchemaProblem[]; notes: readonly string[]; events: EventCounts } {
  const { trials, complete } = tryGenerated(schema, plan, seed);
  const count = (fate: string): number => trials.filter((trial) => trial.fate === fate).length;
  const failed = trials.filter((trial) => trial.fate === 'dead-lettered');
  const events: EventCounts = {
    generated: trials.length,
    mapped: count('mapped'),
    filtered: count('filtered'),
    deadLettered: failed.length,
    complete,
  };
  const notes = [...Map.groupBy(failed, ({ reason }) => reason)].map(
    ([reason, alike]) =>
      `${alike.length} of ${trials.length} generated events would be dead letters: ${reason}`,
  );
  if (failed.length < trials.length || failed[0] === undefined) return { problems: [], notes, events };
  const sentence = `turns no generated event into mutations: ${failed[0].reason}`;
  const problem = { file, ...positions.ofPath('graph'), path: 'graph', sentence };
  return { problems: [problem], notes: [], events };
}

async function compare(
  { file, text }: SchemaSource,
  subject: string,
  schema: AvroSchema,
  positions: SchemaPositions,
  { registry, inspection }: RegistryAccess,
): Promise<{
  problems: readonly SchemaProblem[];
  notes: readonly string[];
  compatibility: CompatibilityReport;
}> {
  const versions = (await registry.versions(subject)).filter((version) => version.schema.text !== text);
  const mode = await inspection.mode(subject);
  const problems: SchemaProblem[] = [];
  const notes: string[] = [];
  const against: CompatibilityReport['against'][number][] = [];
  for (const { version, schema: older } of mode.endsWith('_TRANSITIVE') ? versions : versions.slice(-1)) {
    const { compatible, messages } = await inspection.check(subject, version, text);
    const breaks = explainCompatibility(new AvroSchema(older.text), schema);
    against.push({ version, compatible, breaks, registrySays: messages });
    for (const { direction, path, sentence, instead } of breaks) {
      const consequence =
        direction === 'backward'
          ? `events of version ${version} could not be read with this schema`
          : `readers of version ${version} could not read its events`;
      const whole = `${sentence} (${consequence}): ${instead}`;
      if (!compatible && asks(mode, direction)) {
        const at = positions.ofPath(schemaPathOf(schema.json, path));
        problems.push({ file, ...at, path, sentence: whole });
      } else if (direction === 'backward') notes.push(`${path === '' ? subject : path}: ${whole}`);
    }
    const isExplained = breaks.some(({ direction }) => asks(mode, direction));
    if (!compatible && !isExplained) {
      const says = messages[0] === undefined ? 'and gives no reason' : `: ${messages[0]}`;
      const sentence = `is refused by the registry (${mode}, version ${version})${says}`;
      problems.push({ file, ...positions.ofPath(''), path: subject, sentence });
    }
  }
  return { problems, notes, compatibility: { mode, against } };
}

/** With what is in force: the graph of the other subjects, and the version that this one would come after. */
async function compareGraph(
  source: SchemaSource,
  subject: string,
  schema: AvroSchema,
  plan: MappingPlan | null,
  access: RegistryAccess,
): Promise<{ problems: readonly SchemaProblem[]; notes: readonly string[] }> {
  const stray = await strayReaderSubject(access, subject);
  const notes = stray === null ? [] : [stray];
  if (plan === null) return { problems: [], notes };
  const problems = await graphProblems(source, subject, { schema, plan }, access);
  const before = await versionInForce(access, subject);
  if (before !== null) {
    const changes = [...declaredLosses(before.plan, plan), ...declaredRemovals(before.plan, plan)];
    notes.push(...changes.map((change) => `against ${before.subject} version ${before.version}: ${change}`));
  }
  return { problems, notes };
}

/** Where it contradicts what the other subjects of the registry say about the graph. */
export async function graphProblems(
  { file, text }: SchemaSource,
  subject: string,
  { schema, plan }: Pick<Compiled, 'schema' | 'plan'>,
  access: RegistryAccess,
): Promise<readonly SchemaProblem[]> {
  if (schema === null || plan === null) return [];
  const positions = indexPositions(text);
  return (await neighbourConflicts(access, subject, plan)).map(({ path, sentence }) => {
    const at = declarationPath(schema.json, path) ?? 'graph';
    return { file, ...positions.ofPath(at), path: at, sentence: `${path} ${sentence}` };
  });
}

const readerSuffix = '.graph';

/** A reader schema has to read what the service publishes now: a running server would refuse it otherwise. */
async function unreadEvents(
  file: string,
  subject: string,
  schema: AvroSchema,
  positions: SchemaPositions,
  { registry }: RegistryAccess,
): Promise<readonly SchemaProblem[]> {
  if (!subject.endsWith(readerSuffix)) return [];
  const written = await registry.latest(subject.slice(0, -readerSuffix.length));
  if (written === null) return [];
  const breaks = explainCompatibility(new AvroSchema(written.schema.text), schema);
  return breaks
    .filter(({ direction }) => direction === 'backward')
    .map(({ path, sentence, instead }) => {
      const at = positions.ofPath(schemaPathOf(schema.json, path));
      const consequence = `events of ${written.subject} version ${written.version} could not be read with this schema`;
      return { file, ...at, path, sentence: `${sentence} (${consequence}): ${instead}` };
    });
}

function asks(mode: string, direction: 'backward' | 'forward'): boolean {
  return mode.startsWith('FULL') || mode.startsWith(direction.toUpperCase());
}
