import { BadDataError } from '../foundation/index.ts';
import { normalizers } from '../processors/index.ts';
import {
  AvroSchema,
  checkMapping,
  declarationsOf,
  describeGraph,
  type GraphDeclarations,
  type MappingPlan,
  mergeDeclarations,
  type SubjectVersion,
} from '../schemas/index.ts';
import type { RegistryAccess } from './schema-registry-access.ts';
import { registeredTables } from './schema-tables.ts';

const readerSuffix = '.graph';
const subjectsMax = 1_000;
const atOnceMax = 8;
/** A mapping that has been broken for longer than this is not looked behind. */
const versionsMax = 20;

/** Of the events, whichever of their two subjects is named. */
export function eventSubject(subject: string): string {
  return subject.endsWith(readerSuffix) ? subject.slice(0, -readerSuffix.length) : subject;
}

/** A version whose mapping compiles. */
export interface VersionInForce {
  readonly subject: string;
  readonly version: number;
  readonly plan: MappingPlan;
}

/** The newest version that compiles: of the reader schemas first, as a running server takes it. */
export async function versionInForce(
  access: RegistryAccess,
  subject: string,
): Promise<VersionInForce | null> {
  const own = eventSubject(subject);
  for (const place of [`${own}${readerSuffix}`, own]) {
    const latest = await latestAvro(access, place);
    if (latest === null) continue;
    const newest = await compiled(access, latest);
    if (newest !== null) return newest;
    const older = (await access.registry.versions(place)).filter(({ version }) => version < latest.version);
    for (const version of older.slice(-versionsMax).reverse()) {
      const found = await compiled(access, version);
      if (found !== null) return found;
    }
  }
  return null;
}

/** Schemas that are none of ours (protobuf, references) mean nothing for the graph: those behind them do. */
async function latestAvro({ registry }: RegistryAccess, subject: string): Promise<SubjectVersion | null> {
  try {
    return await registry.latest(subject);
  } catch (error) {
    if (error instanceof BadDataError) return (await registry.versions(subject)).at(-1) ?? null;
    throw error;
  }
}

function mayCarryMapping({ schema: { text } }: SubjectVersion): boolean {
  return text.includes('"graph"');
}

async function compiled(access: RegistryAccess, found: SubjectVersion): Promise<VersionInForce | null> {
  if (!mayCarryMapping(found)) return null;
  try {
    const schema = new AvroSchema(found.schema.text);
    if (schema.graph === undefined) return null;
    const tables = await registeredTables(found.schema.text, access);
    const { plan } = checkMapping(found, schema, normalizers, tables);
    return plan === null ? null : { subject: found.subject, version: found.version, plan };
  } catch (error) {
    if (error instanceof BadDataError) return null;
    throw error;
  }
}

/** Where a mapping contradicts the graph of all others: a place in the graph, and a clause that names whoever says what. */
export interface NeighbourConflict {
  readonly path: string;
  readonly sentence: string;
}

/** What the mappings in force of these subjects say about the graph; of the first thousand, by name. */
export async function declarationsInForce(
  access: RegistryAccess,
  subjects: Iterable<string>,
): Promise<readonly GraphDeclarations[]> {
  const listed = [...subjects].sort().slice(0, subjectsMax);
  const declared: GraphDeclarations[] = [];
  for (let start = 0; start < listed.length; start += atOnceMax) {
    const some = listed.slice(start, start + atOnceMax);
    const found = await Promise.all(some.map((other) => versionInForce(access, other)));
    declared.push(...found.flatMap((one) => (one === null ? [] : [declarationsOf(one.plan)])));
  }
  return declared;
}

/**
 * A running server refuses one of two mappings that contradict each other, so it is said before one is registered. `plan` is of
 * the subject, in the place of what is in force there now.
 */
export async function neighbourConflicts(
  access: RegistryAccess,
  subject: string,
  plan: MappingPlan,
): Promise<readonly NeighbourConflict[]> {
  const own = eventSubject(subject);
  const subjects = new Set((await access.inspection.subjects()).map(eventSubject));
  subjects.delete(own);
  const ownDeclarations = declarationsOf({ ...plan, subject });
  const declared = await declarationsInForce(access, subjects);
  // Only what this version brings: others that contradict each other already are not its fault.
  return describeGraph(mergeDeclarations([...declared, ownDeclarations]))
    .conflicts.filter(({ declaredBy }) => declaredBy.length > 1 && declaredBy.includes(subject))
    .map(({ path, sentence }) => ({ path, sentence }));
}

/** A reader schema whose events have no subject: most often a suffix is missing. Null when all is well. */
export async function strayReaderSubject(access: RegistryAccess, subject: string): Promise<string | null> {
  if (!subject.endsWith(readerSuffix)) return null;
  const events = eventSubject(subject);
  const subjects = await access.inspection.subjects();
  if (subjects.includes(events)) return null;
  const meant = [`${events}-value`, events.replace(/[.-]value$/, '-value')].find(
    (one) => one !== events && subjects.includes(one),
  );
  const hint = meant === undefined ? '' : `; did you mean ${meant}${readerSuffix}?`;
  return `there is no subject ${events} whose events this would be the reader schema of${hint}`;
}
