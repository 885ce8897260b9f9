import { BadDataError } from '../foundation/index.ts';
import {
  compileMap,
  type MapEvent,
  type MappedEvent,
  mapSettingsDefault,
  normalizers,
} from '../processors/index.ts';
import {
  type AvroSchema,
  type BlockPlan,
  type ConditionPlan,
  expressionReads,
  fixtureEvents,
  type MappingPlan,
  type PathPlan,
  type PropertyPlan,
  type ValuePlan,
} from '../schemas/index.ts';
import { jsonFault } from './schema-json-fault.ts';

/** Rows by the names of the mapping's lookups, as their schemas read them; null where there is none. */
export type TrialRows = Readonly<Record<string, unknown>>;

export type Trial = { readonly event: unknown; readonly rows: TrialRows } & (
  | { readonly fate: 'mapped'; readonly mapped: MappedEvent }
  | { readonly fate: 'filtered' }
  | { readonly fate: 'dead-lettered'; readonly reason: string }
);

export interface Trials {
  readonly trials: readonly Trial[];
  readonly complete: boolean;
}

/** Later than any generated time: a fixture must not depend on the day on which it is run. */
const fixtureNowMs = Date.UTC(2100, 0, 1);
const fixtureTimeMs = Date.UTC(2026, 0, 1, 12);

/** Generated events of the schema, each run through its mapping. The same seed gives the same. */
export function tryGenerated(schema: AvroSchema, plan: MappingPlan, seed: number): Trials {
  const keys = mapKeysOf(plan);
  const { events, complete } = fixtureEvents(schema, { seed, hints: hintsOf(plan), keys });
  const map = compileMap(plan, mapSettingsDefault);
  const rows = plan.lookups.map(({ as, schema: row }) => {
    const made = fixtureEvents(row, { seed, hints: new Map(), keys }).events;
    return { as, made };
  });
  const trials = events.map((event, index) => {
    const given = rows.map(({ as, made }) => [as, made[index % made.length] ?? null] as const);
    return tryEvent(schema, plan, map, event, Object.fromEntries(given));
  });
  return { trials, complete };
}

/** One event in Avro's JSON encoding, and the rows that its mapping finds in the same. Throws `BadDataError` code `EVENT_INVALID` when it does not fit the schema. */
export function tryJson(schema: AvroSchema, plan: MappingPlan, json: string, rowsJson: TrialRows): Trial {
  const event = parsed(schema.type, json, 'The event');
  const rows = Object.fromEntries(
    plan.lookups.map(({ as, schema: row }) => {
      const given = rowsJson[as] ?? null;
      return [as, given === null ? null : parsed(row.type, JSON.stringify(given), `The row \`${as}\``)];
    }),
  );
  return tryEvent(schema, plan, compileMap(plan, mapSettingsDefault), event, rows);
}

function parsed(type: AvroSchema['type'], json: string, what: string): unknown {
  try {
    return type.fromString(json);
  } catch (cause) {
    const reason =
      jsonFault(type, jsonOrNothing(json)) ?? (cause instanceof Error ? cause.message : String(cause));
    throw new BadDataError('EVENT_INVALID', `${what} does not fit its schema: ${reason}.`, { cause });
  }
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Through its bytes: what a mapping sees has always come off the wire. */
function tryEvent(
  schema: AvroSchema,
  { lookups }: MappingPlan,
  map: MapEvent,
  given: unknown,
  rows: TrialRows,
): Trial {
  const event: unknown = schema.type.fromBuffer(schema.type.toBuffer(given));
  try {
    const found = lookups.map(({ as, schema: row }) =>
      (rows[as] ?? null) === null ? null : row.type.fromBuffer(row.type.toBuffer(rows[as])),
    );
    const mapped = map(event, fixtureNowMs, found);
    return mapped === null ? { event, rows, fate: 'filtered' } : { event, rows, fate: 'mapped', mapped };
  } catch (error) {
    if (error instanceof BadDataError) return { event, rows, fate: 'dead-lettered', reason: error.message };
    throw error;
  }
}

/** Values that a mapping expects of fields by what it does with them: a text that holds a time, a plain long that is one. */
function hintsOf(plan: MappingPlan): ReadonlyMap<string, unknown> {
  const hints = new Map<string, unknown>();
  for (const { source, apply } of valuesOf(plan)) {
    if (source.from !== 'field') continue;
    const example = normalizers.get(apply[0] ?? '')?.examples[0]?.[0];
    const name = lastField(source.field.steps);
    if (name !== null && example !== undefined && example !== null) hints.set(name, example);
  }
  const time = lastField(plan.time.steps);
  if (time !== null && plan.time.kind === 'long') hints.set(time, BigInt(fixtureTimeMs));
  return hints;
}

function lastField(steps: PathPlan['steps']): string | null {
  const last = steps.findLast((step) => step.kind === 'field');
  return last?.kind === 'field' ? last.name : null;
}

/** By the name of each map's field, the keys that the mapping reads of it: with others, it would read nulls only. */
function mapKeysOf(plan: MappingPlan): ReadonlyMap<string, readonly string[]> {
  const keys = new Map<string, Set<string>>();
  const add = (map: string, key: string): void => {
    keys.set(map, (keys.get(map) ?? new Set()).add(key));
  };
  const values = valuesOf(plan);
  const paths: PathPlan[] = [
    plan.time,
    ...(plan.eventId === null ? [] : [plan.eventId]),
    ...pathsOf(plan.body),
  ];
  for (const { source } of values) if (source.from === 'field') paths.push(source.field);
  for (const { steps } of paths) {
    for (const [index, step] of steps.entries()) {
      const map = step.kind === 'key' ? lastField(steps.slice(0, index)) : null;
      if (step.kind === 'key' && map !== null) add(map, step.key);
    }
  }
  const computed = values.flatMap(({ source }) => (source.from === 'expression' ? [source.expression] : []));
  // A record's fields are among them, and change nothing: only maps have keys.
  for (const { text } of [...computed, ...conditionsOf(plan)]) {
    for (const [name, fields] of expressionReads(text)) for (const field of fields ?? []) add(name, field);
  }
  return new Map([...keys].map(([name, read]) => [name, [...read]]));
}

function pathsOf({ loops }: BlockPlan): PathPlan[] {
  return loops.flatMap(({ in: list, body }) => [list, ...pathsOf(body)]);
}

function conditionsOf({ body, step }: MappingPlan): readonly ConditionPlan[] {
  const own = (part: {
    readonly where: ConditionPlan | null;
    readonly properties?: readonly PropertyPlan[];
  }) => [part.where, ...(part.properties ?? []).map(({ where }) => where)].filter((where) => where !== null);
  const ofBlock = (block: BlockPlan): readonly ConditionPlan[] => [
    ...own({ where: block.where }),
    ...[...block.nodes, ...block.edges].flatMap(own),
    ...block.loops.flatMap((loop) => ofBlock(loop.body)),
  ];
  return [...ofBlock(body), ...(step === null ? [] : own(step))];
}

function valuesOf({ body, step }: MappingPlan): readonly ValuePlan[] {
  const ofProperties = (properties: readonly PropertyPlan[]): readonly ValuePlan[] =>
    properties.map(({ value }) => value);
  const ofBlock = ({ nodes, edges, loops }: BlockPlan): readonly ValuePlan[] => [
    ...nodes.flatMap(({ id, properties }) => [id, ...ofProperties(properties)]),
    ...edges.flatMap(({ key, properties }) => [...(key === null ? [] : [key]), ...ofProperties(properties)]),
    ...loops.flatMap((loop) => ofBlock(loop.body)),
  ];
  return [...ofBlock(body), ...ofProperties(step?.properties ?? [])];
}
