import avsc, { type Type } from 'avsc';
import { normalizers } from '../processors/index.ts';
import {
  AvroSchema,
  type BlockPlan,
  type ConditionPlan,
  checkMapping,
  type EdgePlan,
  type MappingPlan,
  type NodePlan,
  type PropertyPlan,
  type TableSchemas,
  type ValuePlan,
} from '../schemas/index.ts';
import { durationText } from './schema-graph-changes.ts';

/** One field of an event, or one thing that its mapping declares. */
export interface OutlineRow {
  readonly part: 'field' | 'event' | 'lookup' | 'loop' | 'node' | 'edge' | 'step';
  readonly name: string;
  readonly kind: string;
  readonly from: string;
  /** Of a field: what else its own name may have been. */
  readonly aliases?: readonly string[];
}

const rowsMax = 5_000;
const depthMax = 12;
const roundsMax = 2;

/** What a schema holds and what it means, in rows that can be shown and compared. */
export function outlineOf(text: string, tables?: TableSchemas): readonly OutlineRow[] {
  const schema = new AvroSchema(text);
  const rows: OutlineRow[] = [];
  addFields(schema, schema.type, '', [], rows);
  return [...rows, ...mappingRows(schema, tables)];
}

export function mappingRows(schema: AvroSchema, tables?: TableSchemas): readonly OutlineRow[] {
  const { plan } = checkMapping({ subject: 'outline', version: 1 }, schema, normalizers, tables);
  if (plan === null) return [];
  const names = new Map<number, string>();
  nameSlots(plan.body, names);
  const lookups = plan.lookups.map(
    ({ as, topic, key, missing: { waitMs, afterwards } }) =>
      ({
        part: 'lookup',
        name: as,
        kind: `row of ${topic}, without one ${afterwards}${waitMs === 0 ? '' : ` after ${durationText(waitMs)}`}`,
        from: written(key),
      }) as const,
  );
  const rows = [...eventRows(plan), ...lookups, ...blockRows(plan.body, names)];
  if (plan.step === null) return rows;
  const { owner, action, where, properties } = plan.step;
  const name = `${names.get(owner) ?? ''} “${action}”`;
  return [
    ...rows,
    { part: 'step', name, kind: `${plan.domain}${condition(where)}`, from: plan.time.path },
    ...propertyRows('step', name, properties),
  ];
}

/** What is said of the event as a whole. */
function eventRows({ domain, time, eventId, rank, body }: MappingPlan): OutlineRow[] {
  const row = (name: string, kind: string, from: string): OutlineRow => ({ part: 'event', name, kind, from });
  return [
    row('domain', domain, ''),
    row('time', time.kind, time.path),
    ...(eventId === null ? [] : [row('eventId', eventId.kind, eventId.path)]),
    ...(rank === 0
      ? []
      : [typeof rank === 'number' ? row('rank', String(rank), '') : row('rank', rank.kind, written(rank))]),
    ...(body.where === null ? [] : [row('where', body.where.text, '')]),
  ];
}

/** What one outline has and the other has not, or has differently. */
export interface OutlineDifference {
  /** Renamed is a field that names the older one as an alias. */
  readonly change: 'added' | 'removed' | 'changed' | 'renamed';
  readonly part: OutlineRow['part'];
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

export function diffOutlines(
  before: readonly OutlineRow[],
  after: readonly OutlineRow[],
): readonly OutlineDifference[] {
  const renamed = renamedFields(before, after);
  const old = byName(before, (name) => name);
  const now = byName(after, (name) => olderName(name, renamed));
  const differences: OutlineDifference[] = [];
  for (const [key, { part, name: oldName, ...row }] of old) {
    const other = now.get(key);
    const was = say(row);
    if (other === undefined) {
      differences.push({ change: 'removed', part, name: oldName, before: was, after: '' });
      continue;
    }
    const { name } = other;
    const is = say(other);
    if (part === 'field' && renamed.has(name))
      differences.push({ change: 'renamed', part, name, before: `${was}, ${oldName}`, after: is });
    else if (is !== was) differences.push({ change: 'changed', part, name, before: was, after: is });
  }
  for (const [key, row] of now) {
    const { part, name } = row;
    if (!old.has(key)) differences.push({ change: 'added', part, name, before: '', after: say(row) });
  }
  return differences;
}

/** The older paths of fields by their newer ones. What is inside a renamed one has another path, and is not itself renamed. */
function renamedFields(
  before: readonly OutlineRow[],
  after: readonly OutlineRow[],
): ReadonlyMap<string, string> {
  const fieldsOf = (rows: readonly OutlineRow[]) => rows.filter(({ part }) => part === 'field');
  const old = new Set(fieldsOf(before).map(({ name }) => name));
  const now = new Set(fieldsOf(after).map(({ name }) => name));
  const renamed = new Map<string, string>();
  // A record comes before its fields.
  for (const { name, aliases = [] } of fieldsOf(after)) {
    const same = olderName(name, renamed);
    if (old.has(same)) continue;
    const around = (path: string): string => path.slice(0, path.lastIndexOf('.') + 1);
    const was = aliases
      .filter((alias) => !now.has(`${around(name)}${alias}`))
      .map((alias) => `${around(same)}${alias}`)
      .find((path) => old.delete(path));
    if (was !== undefined) renamed.set(name, was);
  }
  return renamed;
}

/** What a field's path was before it, or a record around it, was renamed. */
function olderName(name: string, renamed: ReadonlyMap<string, string>): string {
  for (let end = name.length; end > 0; end = name.slice(0, end).search(/[.[{][^.[{]*$/)) {
    const was = renamed.get(name.slice(0, end));
    if (was !== undefined) return `${was}${name.slice(end)}`;
  }
  return name;
}

/** A mapping may declare a type more than once: then they are compared in their order. */
function byName(
  rows: readonly OutlineRow[],
  keyOf: (field: string) => string,
): ReadonlyMap<string, OutlineRow> {
  const named = new Map<string, OutlineRow>();
  const seen = new Map<string, number>();
  for (const row of rows) {
    const name = `${row.part} ${row.part === 'field' ? keyOf(row.name) : row.name}`;
    const nth = seen.get(name) ?? 0;
    seen.set(name, nth + 1);
    named.set(`${nth} ${name}`, row);
  }
  return named;
}

function say({ kind, from }: Pick<OutlineRow, 'kind' | 'from'>): string {
  return from === '' ? kind : `${kind} from ${from}`;
}

function nameSlots({ nodes, loops }: BlockPlan, names: Map<number, string>): void {
  for (const { slot, type } of nodes) names.set(slot, type);
  for (const { body } of loops) nameSlots(body, names);
}

function blockRows({ nodes, edges, loops }: BlockPlan, names: ReadonlyMap<number, string>): OutlineRow[] {
  return [
    ...nodes.flatMap((node) => [
      { part: 'node', name: node.type, kind: nodeText(node), from: written(node.id) } as const,
      ...propertyRows('node', node.type, node.properties),
    ]),
    ...edges.flatMap((edge) => {
      const name = `${names.get(edge.from) ?? ''} ${edge.type} ${names.get(edge.to) ?? ''}`;
      const row = { part: 'edge', name, kind: edgeText(edge), from: '' } as const;
      return [row, ...propertyRows('edge', name, edge.properties)];
    }),
    ...loops.flatMap(({ in: { path }, over, body }) => [
      { part: 'loop', name: path, kind: `${over}${condition(body.where)}`, from: '' } as const,
      ...blockRows(body, names),
    ]),
  ];
}

function nodeText({ id, op, optional, ttlMs, where }: NodePlan): string {
  const may = optional ? ', optional' : '';
  return `${op === 'delete' ? 'delete, ' : ''}id ${id.kind}${may}${kept(ttlMs)}${condition(where)}`;
}

function edgeText({ op, key, ttlMs, where }: EdgePlan): string {
  const keyed = key === null ? '' : `, key ${written(key)}`;
  return `${op}${keyed}${kept(ttlMs)}${condition(where)}`;
}

function kept(ttlMs: number | null): string {
  return ttlMs === null ? '' : `, kept for ${durationText(ttlMs)}`;
}

function condition(where: ConditionPlan | null): string {
  return where === null ? '' : `, where ${where.text}`;
}

function propertyRows(
  part: OutlineRow['part'],
  owner: string,
  properties: readonly PropertyPlan[],
): OutlineRow[] {
  return properties.map(({ name, value, set, fold, where }) => {
    const many = set === null ? '' : `, set ${set.op}${set.in === null ? '' : ` of ${set.in.path}`}`;
    const folded = fold === null ? '' : `, fold ${fold}`;
    const kind = `${value.kind}${many}${folded}${condition(where)}`;
    return { part, name: `${owner} .${name}`, kind, from: written(value) };
  });
}

function written({ text, apply }: ValuePlan): string {
  return apply.length === 0 ? text : `${text} | ${apply.join(' | ')}`;
}

/** `around` are the records on the way; of one inside itself the second round is the last, since all further ones look the same. */
function addFields(
  schema: AvroSchema,
  type: Type,
  path: string,
  around: readonly Type[],
  rows: OutlineRow[],
): void {
  if (around.length > depthMax || rows.length > rowsMax) return;
  const { types } = avsc;
  if (type instanceof types.RecordType) {
    if (around.filter((one) => one === type).length >= roundsMax) return;
    const inside = [...around, type];
    for (const field of type.fields) {
      const at = path === '' ? field.name : `${path}.${field.name}`;
      const kind = typeText(schema, field.type);
      rows.push({ part: 'field', name: at, kind, from: '', aliases: field.aliases });
      addFields(schema, field.type, at, inside, rows);
    }
  } else if (type instanceof types.UnwrappedUnionType || type instanceof types.WrappedUnionType) {
    const records = type.types.filter((branch) => branch instanceof types.RecordType);
    for (const branch of type.types) {
      const at =
        records.length > 1 && branch instanceof types.RecordType ? `${path}[${shortName(branch)}]` : path;
      addFields(schema, branch, at, around, rows);
    }
  } else if (type instanceof types.ArrayType)
    addFields(schema, type.itemsType, `${path}[]`, [...around, type], rows);
  else if (type instanceof types.MapType)
    addFields(schema, type.valuesType, `${path}{}`, [...around, type], rows);
}

function typeText(schema: AvroSchema, type: Type): string {
  const { types } = avsc;
  const logical = schema.logicalType(type);
  if (logical !== null)
    return logical.kind === 'decimal' ? `decimal(${logical.precision}, ${logical.scale})` : logical.kind;
  if (type instanceof types.UnwrappedUnionType || type instanceof types.WrappedUnionType)
    return type.types.map((branch) => typeText(schema, branch)).join(' or ');
  if (type instanceof types.ArrayType) return `array of ${typeText(schema, type.itemsType)}`;
  if (type instanceof types.MapType) return `map of ${typeText(schema, type.valuesType)}`;
  if (type instanceof types.EnumType) return `enum ${shortName(type)} (${type.symbols.join(', ')})`;
  const kind = type.typeName.replace('abstract:', '');
  return type.name === undefined ? kind : `${kind} ${shortName(type)}`;
}

function shortName(type: Type): string {
  return (type.name ?? '').replace(/^.*\./, '');
}
