import avsc, { type Type } from 'avsc';
import type { AvroSchema } from '../schemas/index.ts';

/** A field somewhere in the schema. */
export interface Field {
  readonly name: string;
  /** As a mapping says it. */
  readonly path: string;
  /** Without its null. */
  readonly type: Type;
  /** True where it, or a record around it, may be null. */
  readonly nullable: boolean;
}

/** Records around what happened: their fields are about the event, and they are no things of their own. */
const carrierName =
  /^(?:(?:event|message|msg|record|kafka)_?)?(?:headers?|meta|metadata|meta_data|envelope|context)$/i;
/** Records that hold what happened as if it stood at the top. */
const payloadName = /^(?:payload|data|body|content|event)$/i;
const exactIdName = /^(?:id|uuid|guid|key)$/i;
const idName =
  /^(.+?)(?:Id|_id|ID|Uuid|_uuid|Key|_key|KEY|No|_no|_NO|Number|_number|_NUMBER|Code|_code|_CODE|_ID)$/;
/** What such an id names is no part of the business, or no thing at all. */
const noThing =
  /^(?:correlation|causation|trace|span|request|schema|batch|partition|routing|sort|idempotency|sequence|version|status|error|reason|country|currency|language|locale|region|time_?zone|zip|postal|phone|mobile|fax|house|line|page|serial|row|record|event|message|msg|is|has)$/i;
const eventIdName = /^(?:(?:event|message|msg|record)_?(?:id|uuid|guid|key)|idempotency_?key)$/i;
const timeName = /(?:^ts$|^at$|time|timestamp|_at$|At$|date$|_ts$|Ts$|_?ms$|Ms$|Millis$|Micros$)/;
const eventTimeName = /occur|happen|event|creat|produc|emit|publish|^(?:ts|at|time|timestamp|ts_ms)$/i;
/** Longs that are no point in time, whatever they end with. */
const spanName =
  /duration|position|elapsed|latency|runtime|run_time|timeout|timezone|time_?zone|lifetime|uptime|seconds|shown_?ms|offset|items?$|params?$/i;

export const carrierDepthMax = 2;

/** A record's fields. A type keeps a union of more than one branch beside null as it is, and nothing is proposed for it. */
export function fieldsOf(record: avsc.types.RecordType, under: Field | null): readonly Field[] {
  const before = under === null ? '' : `${under.path}.`;
  const isBelowNull = under?.nullable === true;
  return record.fields.map(({ name, type }) => {
    const path = `${before}${name}`;
    if (!isUnion(type)) return { name, path, type, nullable: isBelowNull };
    const branches = type.types.filter((branch) => !(branch instanceof avsc.types.NullType));
    const only = branches.length === 1 ? branches[0] : undefined;
    const nullable = isBelowNull || branches.length < type.types.length;
    return { name, path, type: only ?? type, nullable };
  });
}

/** Below a field that is a record; nothing else has any. */
export function innerFields(field: Field): readonly Field[] {
  return field.type instanceof avsc.types.RecordType && !isDecimalRecord(field.type)
    ? fieldsOf(field.type, field)
    : [];
}

export function isCarrier({ name, type }: Field): boolean {
  return type instanceof avsc.types.RecordType && carrierName.test(name);
}

export function isPayload({ name, type }: Field): boolean {
  return type instanceof avsc.types.RecordType && payloadName.test(name);
}

/** Once more with what stands inside of carriers and payloads: the fields that are about the event as a whole. */
export function eventFields(fields: readonly Field[], depth = 0): readonly Field[] {
  return fields.flatMap((field) =>
    depth < carrierDepthMax && (isCarrier(field) || isPayload(field))
      ? eventFields(innerFields(field), depth + 1)
      : [field],
  );
}

/**
 * The field that is the event's time: nearer the top before farther, never null before nullable, a type that is a time before a long
 * that is called like one.
 */
export function timeOf(fields: readonly Field[], schema: AvroSchema): Field | null {
  const levels = timeLevels(fields);
  for (const level of [
    ...levels.map((all) => all.filter(({ nullable }) => !nullable)),
    ...levels.map((all) => all.filter(({ nullable }) => nullable)),
  ]) {
    const stamps = level.filter(
      ({ type }) => schema.logicalType(type)?.kind.startsWith('timestamp') === true,
    );
    const longs = level.filter((field) => isTimeLong(field, schema));
    const named = stamps.filter(({ name }) => timeName.test(name));
    const found =
      named.find(({ name }) => eventTimeName.test(name)) ??
      named[0] ??
      stamps[0] ??
      longs.find(({ name }) => eventTimeName.test(name)) ??
      longs[0];
    if (found !== undefined) return found;
  }
  return null;
}

/** What was looked at in vain, the likeliest first: whatever is called like a time, with its type. */
export function timesConsidered(fields: readonly Field[]): readonly string[] {
  const all = timeLevels(fields).flat();
  const called = all.filter(({ name }) => timeName.test(name) && !spanName.test(name));
  const longs = all.filter((field) => isLong(field.type) && !called.includes(field));
  return [...called, ...longs].map(({ path, type }) => `${path} (${typeName(type)})`);
}

/** What is about the event, then what stands in records one and two levels down. */
function timeLevels(fields: readonly Field[]): readonly (readonly Field[])[] {
  const top = eventFields(fields);
  const one = top.flatMap(innerFields);
  return [top, one, one.flatMap(innerFields)];
}

function isTimeLong({ name, type }: Field, schema: AvroSchema): boolean {
  return isLong(type) && schema.logicalType(type) === null && timeName.test(name) && !spanName.test(name);
}

/** `isEvent` says that the schema's own name is one of something that happened, so that a plain `id` is the event's. */
export function eventIdOf(fields: readonly Field[], isEvent: boolean): Field | null {
  const ids = eventFields(fields).filter(({ type, nullable }) => isId(type) && !nullable);
  const inCarrier = fields
    .filter(isCarrier)
    .flatMap(innerFields)
    .filter(({ name, type, nullable }) => exactIdName.test(name) && isId(type) && !nullable);
  const own = isEvent
    ? fields.find((field) => ids.includes(field) && /^(?:id|uuid)$/i.test(field.name))
    : null;
  return ids.find(({ name }) => eventIdName.test(name)) ?? inCarrier[0] ?? own ?? null;
}

/** What a field's name says that it names, such as `account` of `accountId`; null where it says nothing. */
export function namedBy({ name, type }: Field): string | null {
  if (!isId(type)) return null;
  const what = idName.exec(name)?.[1];
  return what === undefined || noThing.test(what) ? null : what;
}

/** The field of a record that names it: `id`, else `parcel_no` in `parcel`, else the first that looks like an id. */
export function idOf(record: string, inner: readonly Field[]): Field | null {
  const ids = inner.filter(({ type }) => isId(type));
  const plain = (text: string): string => text.replaceAll('_', '').toLowerCase();
  return (
    ids.find(({ name }) => exactIdName.test(name)) ??
    ids.find((field) => plain(namedBy(field) ?? '') === plain(record)) ??
    ids.find((field) => /id$|uuid$|key$/i.test(field.name) && namedBy(field) !== null) ??
    ids.find((field) => namedBy(field) !== null) ??
    null
  );
}

function isUnion(type: Type): type is avsc.types.UnwrappedUnionType | avsc.types.WrappedUnionType {
  return type instanceof avsc.types.UnwrappedUnionType || type instanceof avsc.types.WrappedUnionType;
}

function isLong(type: Type): boolean {
  return type instanceof avsc.types.LongType;
}

export function isId(type: Type): boolean {
  return type instanceof avsc.types.StringType || type instanceof avsc.types.IntType || isLong(type);
}

export function isScalar(type: Type): boolean {
  const { types } = avsc;
  const compound = [types.RecordType, types.ArrayType, types.MapType, types.NullType];
  return isDecimalRecord(type) || (!isUnion(type) && !compound.some((kind) => type instanceof kind));
}

/** How Kafka Connect writes a decimal without a fixed scale: a single value to mappings. */
function isDecimalRecord(type: Type): boolean {
  return type.name === 'io.debezium.data.VariableScaleDecimal';
}

function typeName(type: Type): string {
  return isUnion(type) ? 'union' : type.typeName.replace('abstract:', '');
}
