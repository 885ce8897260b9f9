import { BadDataError, StopError } from '../foundation/index.ts';
import {
  compileLookups,
  compileMap,
  compilePlainMapping,
  type FindRows,
  type MapEvent,
  type MapSettings,
  normalizers,
  type PlainMapping,
} from '../processors/index.ts';
import {
  type AvroSchema,
  checkMapping,
  compileDecoder,
  compileMapping,
  declarationsOf,
  describeGraph,
  type GraphDeclarations,
  type MappedVersion,
  type MappingPlan,
  type MappingProblem,
  mergeDeclarations,
  type TableSchemas,
} from '../schemas/index.ts';

/** A version that has been compiled: what events are read with and what they mean. */
export interface Reader {
  readonly from: MappedVersion;
  readonly plan: MappingPlan;
  readonly map: MapEvent;
  /** Null when it is more than a plain one. */
  readonly plain: PlainMapping | null;
  /** Null when it looks nothing up. */
  readonly findRows: FindRows | null;
  /** What it says about the graph. */
  readonly declarations: GraphDeclarations;
}

/** Why a version may not be in force. */
export interface Fault {
  readonly error: StopError;
  /** Each of what the error's sentence says, for machines. */
  readonly problems: readonly MappingProblem[];
}

/** What a version has to get along with. */
export interface Surroundings {
  /** Writers whose events are read now, by their schema ids. */
  readonly writers: Iterable<readonly [number, AvroSchema]>;
  /** What the mappings of all other subjects say about the graph. */
  readonly others: readonly GraphDeclarations[];
  /** Of its lookups. */
  readonly tables: TableSchemas;
}

export type Verdict =
  | { readonly ok: true; readonly reader: Reader }
  | { readonly ok: false; readonly fault: Fault };

/** Whether a version may be put in force: it compiles, contradicts no other subject, and reads what is being read. */
export function judgeMapping(
  found: MappedVersion,
  { writers, others, tables }: Surroundings,
  settings: MapSettings,
): Verdict {
  const verdict = compileReader(found, tables, settings);
  if (!verdict.ok) return verdict;
  const fault = contradiction(found, verdict.reader.declarations, others) ?? unreadable(found, writers);
  return fault === null ? verdict : { ok: false, fault };
}

/** What a version is by itself, whatever else is in force. */
export function compileReader(found: MappedVersion, tables: TableSchemas, settings: MapSettings): Verdict {
  const { subject, version, schema } = found;
  const of = { subject, version };
  try {
    const plan = compileMapping(of, schema, normalizers, tables);
    const map = compileMap(plan, settings);
    const findRows = compileLookups(plan);
    const plain = compilePlainMapping(plan, schema, settings);
    const declarations = declarationsOf(plan);
    return { ok: true, reader: { from: found, plan, map, plain, findRows, declarations } };
  } catch (error) {
    if (!(error instanceof StopError)) throw error;
    return { ok: false, fault: { error, problems: checkMapping(of, schema, normalizers, tables).problems } };
  }
}

/** Whether what a version says about the graph can be true beside what others say. */
export function contradicts(declarations: GraphDeclarations, others: readonly GraphDeclarations[]): boolean {
  return describeGraph(mergeDeclarations([...others, declarations])).conflicts.length > 0;
}

export function problemText({ path, sentence }: MappingProblem): string {
  return path === '' ? sentence : `\`${path}\` ${sentence}`;
}

function contradiction(
  { subject, version }: MappedVersion,
  declarations: GraphDeclarations,
  others: readonly GraphDeclarations[],
): Fault | null {
  const { conflicts } = describeGraph(mergeDeclarations([...others, declarations]));
  if (conflicts.length === 0) return null;
  const problems = conflicts.map(({ path, sentence }) => ({ path, sentence }));
  const list = problems.map((problem) => `\n- ${problemText(problem)}`).join('');
  const error = new StopError(
    'GRAPH_SCHEMA_CONFLICT',
    `The mapping of ${subject} version ${version} contradicts the graph schema in force; register a corrected version of what is wrong:${list}`,
    { context: { subject } },
  );
  return { error, problems };
}

function unreadable(
  { subject, version, schema }: MappedVersion,
  writers: Surroundings['writers'],
): Fault | null {
  for (const [writerId, writer] of writers) {
    try {
      compileDecoder(writer, schema, { subject, writerId, readerVersion: version });
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      const { code, message, context } = error;
      const stop = new StopError(code, message, { context, cause: error });
      return { error: stop, problems: [{ path: context.path ?? '', sentence: message }] };
    }
  }
  return null;
}
