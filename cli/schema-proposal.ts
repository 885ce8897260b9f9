import avsc from 'avsc';
import { RefusedError } from '../foundation/index.ts';
import { normalizers } from '../processors/index.ts';
import { AvroSchema, checkMapping, reservedTypeNames } from '../schemas/index.ts';
import { changeOf, proposeChange } from './schema-proposal-change.ts';
import {
  carrierDepthMax,
  eventFields,
  eventIdOf,
  type Field,
  fieldsOf,
  idOf,
  innerFields,
  isCarrier,
  isId,
  isPayload,
  isScalar,
  namedBy,
  timeOf,
  timesConsidered,
} from './schema-proposal-fields.ts';
import { constant, pascal, subjectName } from './schema-proposal-names.ts';

/** A schema with a mapping that compiles, and what a person should look at. */
export interface Proposal {
  readonly json: object;
  readonly notes: readonly string[];
}

interface ProposedNode {
  readonly as: string;
  readonly type: string;
  readonly id: string;
  readonly optional: boolean;
  readonly properties: Readonly<Record<string, string>>;
}

const ownerNames = /^(account|member|user|customer|player|profile|rider|subscriber|viewer|person|visitor)$/i;
/** Such as PlaybackStarted or OrderEvent: what the record is about happened, and is no thing with a state. */
const happened = /(?:ed|Event|Message|Sent|Paid|Begun|Lost|Sold|Shown|Won|Read|Left)$/;
const plainNamespaces = /^(com|org|net|io|example|events?|avro|schemas?|v\d+)$/i;
const ownIdName = /^(?:id|uuid)$/i;
const roundsMax = 10;
const consideredMax = 12;

/** Throws `RefusedError` code `SCHEMA_INVALID` when there is nothing to begin with: no record, no time or no id. */
export function proposeMapping(schema: AvroSchema, domain: string | null): Proposal {
  const { type } = schema;
  if (!(type instanceof avsc.types.RecordType)) throw refused('is no record');
  const fields = fieldsOf(type, null);
  const time = timeOf(fields, schema);
  if (time === null) throw refused(noTime(timesConsidered(fields)));
  const common = { domain: domain ?? domainOf(type.name ?? ''), time: time.path };
  const change = changeOf(fields);
  const { graph, notes } =
    change === null
      ? proposeEvent(fields, common, time, type.name ?? 'Event')
      : proposeChange(change, common, subjectName(type.name ?? 'Row'));
  const isNullable = time.nullable ? ', which may be null: an event without it becomes a dead letter' : '';
  return {
    json: withoutProblems(schema, graph),
    notes: [...notes, `The time is ${time.path}${isNullable}.`],
  };
}

interface Common {
  readonly domain: string;
  readonly time: string;
}

function proposeEvent(
  fields: readonly Field[],
  common: Common,
  time: Field,
  fullName: string,
): { readonly graph: object; readonly notes: readonly string[] } {
  const name = subjectName(fullName);
  const isEvent = happened.test(fullName);
  const eventId = eventIdOf(fields, isEvent);
  const taken = new Set([time.path, ...(eventId === null ? [] : [eventId.path])]);
  const nodes = nodesOf(fields, taken, name);
  const owner =
    nodes.find(({ as }) => ownerNames.test(as)) ?? nodes.find(({ optional }) => !optional) ?? nodes[0];
  if (owner === undefined) throw refused(noId(eventFields(fields)));
  const used = new Set([...taken, ...nodes.map(({ id }) => id), ...nodes.flatMap(propertyPaths)]);
  const rest = detailsOf(fields).filter(({ path, type }) => !used.has(path) && isScalar(type));
  const details = Object.fromEntries(rest.map((field) => [field.name, field.path]));
  // A record of a thing, such as a Customer with an `id`, says how the thing is: nobody took a step.
  const state = isEvent
    ? undefined
    : nodes.find((node) => ownIdName.test(node.id) && node.as === pascal(name));
  const action = constant(name);
  const graph = {
    ...common,
    ...(eventId === null ? {} : { eventId: eventId.path }),
    nodes: nodes.map((node) => nodeJson(node === state ? { ...node, properties: details } : node)),
    edges: nodes
      .filter((node) => node !== (state ?? owner))
      .map(({ as }) => ({ type: edgeType(action, constant(as)), from: (state ?? owner).as, to: as })),
    ...(state === undefined
      ? {
          journey: {
            owner: owner.as,
            action: action.toLowerCase().replaceAll('_', ' ').slice(0, 100),
            properties: details,
          },
        }
      : {}),
  };
  const notes = [
    state === undefined
      ? `The journey's owner is ${owner.as}, and edges lead from it: change \`graph.journey.owner\` and \`graph.edges\` where that is not what happens.`
      : `It says how a ${state.as} is, so no journey is proposed: add \`graph.journey\` where it is a step of somebody's.`,
    ...(eventId === null
      ? ['No field is the id of the event: without `graph.eventId`, its place in the topic is.']
      : [`The id of the event is ${eventId.path}.`]),
    ...listNotes(eventFields(fields)),
  ];
  return { graph, notes };
}

function nodeJson({ as, type, id, optional, properties }: ProposedNode): object {
  return {
    ...(as === type ? {} : { as }),
    type,
    id,
    ...(optional ? { optional } : {}),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
  };
}

function propertyPaths({ properties }: ProposedNode): readonly string[] {
  return Object.values(properties);
}

/** The event's own details: what stands at the top or in a payload, headers aside. */
function detailsOf(fields: readonly Field[], depth = 0): readonly Field[] {
  return fields.flatMap((field) => {
    if (isCarrier(field)) return [];
    return depth < carrierDepthMax && isPayload(field) ? detailsOf(innerFields(field), depth + 1) : [field];
  });
}

function edgeType(action: string, to: string): string {
  return action === to ? `HAS_${to}` : `${action}_${to}`;
}

/** Lists of things are for a person: how many of them matter, and to whom, no schema says. */
function listNotes(fields: readonly Field[]): readonly string[] {
  return fields
    .filter(({ type }) => type instanceof avsc.types.ArrayType && isRecord(type.itemsType))
    .map(({ path }) => `${path} is a list of records, left out: \`forEach\` goes through it.`);
}

function isRecord(type: avsc.Type): boolean {
  return type instanceof avsc.types.RecordType;
}

/** Takes out the properties that the compiler refuses, such as one whose type has no place in the graph. */
function withoutProblems(schema: AvroSchema, graph: object): object {
  const json: unknown = schema.json;
  let proposed = { ...(typeof json === 'object' ? json : {}), graph };
  for (let round = 0; round < roundsMax; round += 1) {
    const text = JSON.stringify(proposed);
    const { problems } = checkMapping({ subject: 'new', version: 1 }, new AvroSchema(text), normalizers);
    if (problems.length === 0) return proposed;
    const bad = new Set(problems.map(({ path }) => path));
    proposed = { ...proposed, graph: pruned(graph, 'graph', bad) };
    graph = proposed.graph;
  }
  return proposed;
}

function pruned(node: object, at: string, bad: ReadonlySet<string>): object {
  const entries = Object.entries(node)
    .filter(([key]) => !(at.endsWith('.properties') && bad.has(`${at}.${key}`)))
    .map(([key, value]: [string, unknown]) => [key, prunedValue(value, `${at}.${key}`, bad)] as const);
  return Object.fromEntries(entries);
}

function prunedValue(value: unknown, at: string, bad: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((item, index) => prunedValue(item, `${at}[${index}]`, bad));
  return typeof value === 'object' && value !== null ? pruned(value, at, bad) : value;
}

/** One a thing: of several ids of the same, the first. `own` names the record, for an `id` of its own. */
function nodesOf(fields: readonly Field[], taken: ReadonlySet<string>, own: string): readonly ProposedNode[] {
  const nodes: ProposedNode[] = [];
  const add = (as: string, id: Field, inner: readonly Field[]): void => {
    if (nodes.some((node) => node.as === as)) return;
    const others = inner.filter((field) => field !== id && !taken.has(field.path) && isScalar(field.type));
    const properties = Object.fromEntries(others.map(({ name, path }) => [name, path]));
    nodes.push({ as, type: freeName(as), id: id.path, optional: id.nullable, properties });
  };
  const visit = (field: Field, depth: number): void => {
    if (taken.has(field.path)) return;
    const inner = innerFields(field);
    const what = namedBy(field);
    if (what !== null) add(pascal(what), field, []);
    if (inner.length === 0) return;
    const id = idOf(field.name, inner);
    if (id !== null) add(pascal(field.name), id, inner);
    if (depth < carrierDepthMax)
      for (const one of inner) if (innerFields(one).length > 0) visit(one, depth + 1);
  };
  const top = eventFields(fields);
  const ownId = top.find(({ name, path, type }) => ownIdName.test(name) && isId(type) && !taken.has(path));
  if (ownId !== undefined) add(pascal(own), ownId, []);
  for (const field of top) visit(field, 0);
  return nodes.map((node) => ({ ...node, type: typeAmong(node.as, nodes) }));
}

/** A type may not be called as one of the API's own. */
function freeName(name: string): string {
  return reservedTypeNames.has(name) ? `${name}Node` : name;
}

/** `ChosenTitle` is a Title where there is one. */
function typeAmong(as: string, nodes: readonly ProposedNode[]): string {
  return freeName(nodes.find((other) => other.as !== as && as.endsWith(other.as))?.as ?? as);
}

function domainOf(fullName: string): string {
  const parts = fullName
    .split('.')
    .slice(0, -1)
    .filter((part) => !plainNamespaces.test(part));
  return (parts.at(-1) ?? 'events').replaceAll(/[^A-Za-z0-9_-]/g, '').replace(/^[^A-Za-z]+/, '') || 'events';
}

function noTime(considered: readonly string[]): string {
  const looked =
    considered.length === 0
      ? 'none comes near, down to the second level of records'
      : `not among ${listed(considered)}`;
  return `has no field that can be the time of the event, which is a timestamp-millis, a timestamp-micros, or a long such as \`occurredAt\`: ${looked}`;
}

function noId(fields: readonly Field[]): string {
  const looked =
    fields.length === 0 ? 'it has no fields' : `not among ${listed(fields.map(({ path }) => path))}`;
  return `has no field that names something, such as \`accountId\`, \`parcel_no\` or a record with an \`id\`: ${looked}`;
}

function listed(names: readonly string[]): string {
  const more = names.length - consideredMax;
  return `${names.slice(0, consideredMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function refused(what: string): RefusedError {
  return new RefusedError('SCHEMA_INVALID', `No mapping can be proposed: the schema ${what}.`);
}
