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
  fixtureEvents,
  type MappingPlan,
  type PropertyPlan,
  type ValuePlan,
} from '../schemas/index.ts';

export type Trial = { readonly event: unknown } & (
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
  const { events, complete } = fixtureEvents(schema, { seed, hints: hintsOf(plan) });
  const map = compileMap(plan, mapSettingsDefault);
  return { trials: events.map((event) => tryEvent(schema, map, event)), complete };
}

/** One event in Avro's JSON encoding. Throws `BadDataError` code `EVENT_INVALID` when it does not fit the schema. */
export function tryJson(schema: AvroSchema, plan: MappingPlan, json: string): Trial {
  let event: unknown;
  try {
    event = schema.type.fromString(json);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BadDataError('EVENT_INVALID', `The event does not fit the schema: ${reason}.`, { cause });
  }
  return tryEvent(schema, compileMap(plan, mapSettingsDefault), event);
}

/** Through its bytes: what a mapping sees has always come off the wire. */
function tryEvent(schema: AvroSchema, map: MapEvent, given: unknown): Trial {
  const event: unknown = schema.type.fromBuffer(schema.type.toBuffer(given));
  try {
    const mapped = map(event, fixtureNowMs);
    return mapped === null ? { event, fate: 'filtered' } : { event, fate: 'mapped', mapped };
  } catch (error) {
    if (error instanceof BadDataError) return { event, fate: 'dead-lettered', reason: error.message };
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

function lastField(steps: MappingPlan['time']['steps']): string | null {
  const last = steps.findLast((step) => step.kind === 'field');
  return last?.kind === 'field' ? last.name : null;
}

function valuesOf({ body, step }: MappingPlan): readonly ValuePlan[] {
  const ofProperties = (properties: readonly PropertyPlan[]): readonly ValuePlan[] =>
    properties.map(({ value }) => value);
  const ofBlock = ({ nodes, edges, loops }: BlockPlan): readonly ValuePlan[] => [
    ...nodes.flatMap(({ id, properties }) => [id, ...ofProperties(properties)]),
    ...edges.flatMap(({ properties }) => ofProperties(properties)),
    ...loops.flatMap((loop) => ofBlock(loop.body)),
  ];
  return [...ofBlock(body), ...ofProperties(step?.properties ?? [])];
}
