import avsc, { type Type } from 'avsc';
import { RefusedError } from '../foundation/index.ts';
import { normalizers } from '../processors/index.ts';
import { AvroSchema, checkMapping } from '../schemas/index.ts';

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
  properties: Record<string, string>;
}

interface Field {
  readonly name: string;
  /** Without its null. */
  readonly type: Type;
  readonly nullable: boolean;
}

const ownerNames = /^(account|member|user|customer|player|profile|rider|subscriber|viewer|person|visitor)$/i;
const idName = /^(.+?)(?:Id|_id|ID|Uuid|_uuid|Key)$/;
const eventIdName = /^(?:event|message|msg|record)_?(?:id|uuid)$/i;
const timeName = /(?:^ts$|time|timestamp|_at$|At$|date$|Ms$|Millis$)/i;
const plainNamespaces = /^(com|org|net|io|example|events?|avro|schemas?|v\d+)$/i;
const roundsMax = 10;

/** Throws `RefusedError` code `SCHEMA_INVALID` when there is nothing to begin with: no record, no time or no id. */
export function proposeMapping(schema: AvroSchema, domain: string | null): Proposal {
  const { type } = schema;
  if (!(type instanceof avsc.types.RecordType)) throw refused('is no record');
  const fields = fieldsOf(type);
  const time = timeOf(fields, schema);
  if (time === null)
    throw refused(
      'has no field that can be the time of the event: a timestamp-millis, or a long such as `occurredAt`',
    );
  const eventId = fields.find(
    ({ name, type: of, nullable }) => eventIdName.test(name) && !nullable && isId(of),
  );
  const nodes = nodesOf(fields, [time.name, eventId?.name ?? '']);
  const owner = nodes.find(({ as }) => ownerNames.test(as)) ?? nodes.find(({ optional }) => !optional);
  if (owner === undefined)
    throw refused('has no field that names something, such as `accountId` or a record with an `id`');
  const name = (type.name ?? 'Event').replace(/^.*\./, '');
  const used = new Set([time.name, eventId?.name, ...nodes.map(({ id }) => id.replace(/\..*$/, ''))]);
  const rest = fields.filter((field) => !used.has(field.name) && isScalar(field.type));
  const graph = {
    domain: domain ?? domainOf(type.name ?? ''),
    time: time.name,
    ...(eventId === undefined ? {} : { eventId: eventId.name }),
    nodes: nodes.map(({ as, type: of, id, optional, properties }) => ({
      ...(as === of ? {} : { as }),
      type: of,
      id,
      ...(optional ? { optional } : {}),
      ...(Object.keys(properties).length === 0 ? {} : { properties }),
    })),
    edges: nodes
      .filter((node) => node !== owner)
      .map(({ as }) => ({ type: `${constant(name)}_${constant(as)}`, from: owner.as, to: as })),
    journey: {
      owner: owner.as,
      action: constant(name).toLowerCase().replaceAll('_', ' ').slice(0, 100),
      properties: Object.fromEntries(rest.map((field) => [field.name, field.name])),
    },
  };
  const notes = [
    `The journey's owner is ${owner.as}, and edges lead from it: change \`graph.journey.owner\` and \`graph.edges\` where that is not what happens.`,
    `The time is ${time.name}.`,
  ];
  return { json: withoutProblems(schema, graph), notes };
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

function nodesOf(fields: readonly Field[], taken: readonly string[]): readonly ProposedNode[] {
  const nodes: ProposedNode[] = [];
  for (const { name, type, nullable } of fields) {
    if (taken.includes(name)) continue;
    if (type instanceof avsc.types.RecordType) {
      const inner = fieldsOf(type);
      const id =
        inner.find((field) => isId(field.type) && /^(id|uuid|key)$/i.test(field.name)) ??
        inner.find((field) => isId(field.type) && idName.test(field.name));
      if (id === undefined) continue;
      const properties = inner.filter((field) => field !== id && isScalar(field.type));
      nodes.push({
        as: pascal(name),
        type: pascal(name),
        id: `${name}.${id.name}`,
        optional: nullable || id.nullable,
        properties: Object.fromEntries(properties.map((field) => [field.name, `${name}.${field.name}`])),
      });
    } else if (isId(type)) {
      const what = idName.exec(name)?.[1];
      if (what === undefined || nodes.some(({ as }) => as === pascal(what))) continue;
      nodes.push({ as: pascal(what), type: pascal(what), id: name, optional: nullable, properties: {} });
    }
  }
  return nodes;
}

function timeOf(fields: readonly Field[], schema: AvroSchema): Field | null {
  const present = fields.filter(({ nullable }) => !nullable);
  const stamps = present.filter(
    ({ type }) => schema.logicalType(type)?.kind.startsWith('timestamp') === true,
  );
  const longs = present.filter(({ type, name }) => isLong(type) && timeName.test(name));
  return stamps.find(({ name }) => timeName.test(name)) ?? stamps[0] ?? longs[0] ?? null;
}

/** A field's type without its null; a union of more is left as it is, and nothing is proposed for it. */
function fieldsOf(record: avsc.types.RecordType): readonly Field[] {
  return record.fields.map(({ name, type }) => {
    if (!isUnion(type)) return { name, type, nullable: false };
    const branches = type.types.filter((branch) => !(branch instanceof avsc.types.NullType));
    const only = branches.length === 1 ? branches[0] : undefined;
    return { name, type: only ?? type, nullable: branches.length < type.types.length };
  });
}

function isUnion(type: Type): type is avsc.types.UnwrappedUnionType | avsc.types.WrappedUnionType {
  return type instanceof avsc.types.UnwrappedUnionType || type instanceof avsc.types.WrappedUnionType;
}

function isLong(type: Type): boolean {
  return type instanceof avsc.types.LongType;
}

function isId(type: Type): boolean {
  return type instanceof avsc.types.StringType || type instanceof avsc.types.IntType || isLong(type);
}

function isScalar(type: Type): boolean {
  const { types } = avsc;
  const compound = [types.RecordType, types.ArrayType, types.MapType, types.NullType];
  return !isUnion(type) && !compound.some((kind) => type instanceof kind);
}

function domainOf(fullName: string): string {
  const parts = fullName
    .split('.')
    .slice(0, -1)
    .filter((part) => !plainNamespaces.test(part));
  return (parts.at(-1) ?? 'events').replaceAll(/[^A-Za-z0-9_-]/g, '').replace(/^[^A-Za-z]+/, '') || 'events';
}

function pascal(name: string): string {
  const joined = name
    .split('_')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
  return joined === '' ? 'Thing' : joined;
}

function constant(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toUpperCase()
    .slice(0, 60);
}

function refused(what: string): RefusedError {
  return new RefusedError('SCHEMA_INVALID', `No mapping can be proposed: the schema ${what}.`);
}
