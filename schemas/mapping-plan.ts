import { StopError } from '../foundation/index.ts';
import type { Fold, SetChange } from '../graph-store/index.ts';
import type { AvroSchema } from './avro-type.ts';
import { noTables, type TableSchemas } from './lookup-tables.ts';
import { MappingReader } from './mapping.ts';
import type { MappingProblem, MissingRow, Operation } from './mapping-declaration.ts';
import { MappingPlanner } from './mapping-planner.ts';
import type { NormalizerSignatures } from './normalizer-signature.ts';
import type { FieldRead, PathPlan, ValuePlan } from './value-plan.ts';

/** True or false for the roots around it; a null is false. */
export interface ConditionPlan {
  readonly text: string;
  evaluate(roots: readonly unknown[]): unknown;
}

export interface PropertyPlan {
  readonly name: string;
  /** Of an element, where it is a set: the root behind the last is the element then. */
  readonly value: ValuePlan;
  readonly set: SetPlan | null;
  /** Null when the mapping does not say. */
  readonly fold: Fold | null;
  readonly where: ConditionPlan | null;
}

export interface SetPlan {
  readonly op: SetChange['set'];
  /** An array of elements; null where the value itself is the only one. */
  readonly in: PathPlan | null;
}

export interface NodePlan {
  /** Where its reference is kept while an event is mapped; edges name it by this number. */
  readonly slot: number;
  readonly type: string;
  readonly id: ValuePlan;
  readonly optional: boolean;
  readonly op: Operation;
  readonly ttlMs: number | null;
  readonly where: ConditionPlan | null;
  readonly properties: readonly PropertyPlan[];
  /** True when the mapping's step or an edge that is always there says already that the node exists. */
  readonly implied: boolean;
}

/** `from` and `to` are slots. */
export interface EdgePlan {
  readonly type: string;
  readonly from: number;
  readonly to: number;
  /** Null where there is one edge a pair. */
  readonly key: ValuePlan | null;
  readonly op: Operation;
  readonly ttlMs: number | null;
  readonly where: ConditionPlan | null;
  readonly properties: readonly PropertyPlan[];
}

export interface StepPlan {
  readonly owner: number;
  readonly action: string;
  readonly where: ConditionPlan | null;
  readonly properties: readonly PropertyPlan[];
}

/** Nodes come before the edges that name them, inner blocks after both. */
export interface BlockPlan {
  readonly where: ConditionPlan | null;
  readonly nodes: readonly NodePlan[];
  readonly edges: readonly EdgePlan[];
  readonly loops: readonly LoopPlan[];
}

export interface LoopPlan {
  readonly in: PathPlan;
  /** An array's items, or a map's entries as `{key, value}`. */
  readonly over: 'items' | 'entries';
  readonly body: BlockPlan;
}

/** Which row of which table. */
export interface LookupPlan {
  readonly as: string;
  readonly topic: string;
  /** What rows are read with. */
  readonly schema: AvroSchema;
  /** Over the event and the rows of the lookups before it. */
  readonly key: ValuePlan;
  readonly missing: MissingRow;
}

/** A mapping with its paths resolved against its schema: all that the back half of the compiler needs. */
export interface MappingPlan {
  readonly subject: string;
  readonly version: number;
  readonly domain: string;
  /** The same for all events, or an int or long of each. */
  readonly rank: number | ValuePlan;
  /** `timestamp-millis` or `timestamp-micros`, or `long` for plain milliseconds. */
  readonly time: FieldRead;
  readonly eventId: FieldRead | null;
  /** Their rows are the roots behind the event, in this order. */
  readonly lookups: readonly LookupPlan[];
  /** The body's condition where it needs no row: what it leaves out is not looked up. */
  readonly whereBeforeLookups: ConditionPlan | null;
  /** How many slots the nodes of all blocks need. */
  readonly slots: number;
  readonly body: BlockPlan;
  readonly step: StepPlan | null;
}

export interface MappingCheck {
  /** All of them, up to fifty. */
  readonly problems: readonly MappingProblem[];
  /** Null when there are problems. */
  readonly plan: MappingPlan | null;
}

/** What a mapping is compiled for. */
export interface MappingSubject {
  readonly subject: string;
  readonly version: number;
}

/** Checks the schema's `graph` attribute; the one compiler behind check, test, preview and run. `tables` are those of its lookups. */
export function checkMapping(
  { subject, version }: MappingSubject,
  schema: AvroSchema,
  normalizers: NormalizerSignatures,
  tables: TableSchemas = noTables,
): MappingCheck {
  const reader = new MappingReader();
  const mapping = reader.read(schema.graph);
  if (mapping === null) return { problems: reader.problems, plan: null };
  const plan = new MappingPlanner(reader, schema, normalizers, tables).plan(subject, version, mapping);
  return { problems: reader.problems, plan: reader.problems.length === 0 ? plan : null };
}

/** As {@link checkMapping}; throws `StopError` code `MAPPING_INVALID` that lists all problems. */
export function compileMapping(
  of: MappingSubject,
  schema: AvroSchema,
  normalizers: NormalizerSignatures,
  tables: TableSchemas = noTables,
): MappingPlan {
  const { problems, plan } = checkMapping(of, schema, normalizers, tables);
  if (plan !== null) return plan;
  const { subject, version } = of;
  const list = problems.map(({ path, sentence }) => `\n- \`${path}\` ${sentence}`).join('');
  throw new StopError(
    'MAPPING_INVALID',
    `The mapping of ${subject} version ${version} cannot be compiled; register a corrected version:${list}`,
    { context: problems[0] === undefined ? { subject } : { subject, path: problems[0].path } },
  );
}
