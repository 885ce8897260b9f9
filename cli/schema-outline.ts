import avsc, { type Type } from 'avsc';
import { normalizers } from '../processors/index.ts';
import {
  AvroSchema,
  type BlockPlan,
  checkMapping,
  type PropertyPlan,
  type TableSchemas,
  type ValuePlan,
} from '../schemas/index.ts';

/** One field of an event, or one thing that its mapping declares. */
export interface OutlineRow {
  readonly part: 'field' | 'lookup' | 'node' | 'edge' | 'step';
  readonly name: string;
  readonly kind: string;
  readonly from: string;
}

const rowsMax = 5_000;
const depthMax = 12;

/** What a schema holds and what it means, in rows that can be shown and compared. */
export function outlineOf(text: string, tables?: TableSchemas): readonly OutlineRow[] {
  const schema = new AvroSchema(text);
  const rows: OutlineRow[] = [];
  addFields(schema, schema.type, '', 0, rows);
  return [...rows, ...mappingRows(schema, tables)];
}

export function mappingRows(schema: AvroSchema, tables?: TableSchemas): readonly OutlineRow[] {
  const { plan } = checkMapping({ subject: 'outline', version: 1 }, schema, normalizers, tables);
  if (plan === null) return [];
  const names = new Map<number, string>();
  nameSlots(plan.body, names);
  const lookups = plan.lookups.map(
    ({ as, topic, key }) =>
      ({ part: 'lookup', name: as, kind: `row of ${topic}`, from: written(key) }) as const,
  );
  const rows = [...lookups, ...blockRows(plan.body, names)];
  if (plan.step === null) return rows;
  const { owner, action, properties } = plan.step;
  const name = `${names.get(owner) ?? ''} “${action}”`;
  return [
    ...rows,
    { part: 'step', name, kind: plan.domain, from: plan.time.path },
    ...propertyRows('step', name, properties),
  ];
}

/** What one outline has and the other has not, or has differently. */
export interface OutlineDifference {
  readonly change: 'added' | 'removed' | 'changed';
  readonly part: OutlineRow['part'];
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

export function diffOutlines(
  before: readonly OutlineRow[],
  after: readonly OutlineRow[],
): readonly OutlineDifference[] {
  const old = new Map(before.map((row) => [`${row.part} ${row.name}`, row]));
  const now = new Map(after.map((row) => [`${row.part} ${row.name}`, row]));
  const differences: OutlineDifference[] = [];
  for (const [key, { part, name, ...row }] of old) {
    const other = now.get(key);
    const was = say(row);
    if (other === undefined) differences.push({ change: 'removed', part, name, before: was, after: '' });
    else if (say(other) !== was)
      differences.push({ change: 'changed', part, name, before: was, after: say(other) });
  }
  for (const [key, row] of now) {
    const { part, name } = row;
    if (!old.has(key)) differences.push({ change: 'added', part, name, before: '', after: say(row) });
  }
  return differences;
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
    ...nodes.flatMap(({ type, id, op, properties }) => [
      {
        part: 'node',
        name: type,
        kind: `${op === 'delete' ? 'delete, ' : ''}id ${id.kind}`,
        from: written(id),
      } as const,
      ...propertyRows('node', type, properties),
    ]),
    ...edges.flatMap(({ type, from, to, op, properties }) => {
      const name = `${names.get(from) ?? ''} ${type} ${names.get(to) ?? ''}`;
      return [{ part: 'edge', name, kind: op, from: '' } as const, ...propertyRows('edge', name, properties)];
    }),
    ...loops.flatMap(({ body }) => blockRows(body, names)),
  ];
}

function propertyRows(
  part: OutlineRow['part'],
  owner: string,
  properties: readonly PropertyPlan[],
): OutlineRow[] {
  return properties.map(({ name, value }) => ({
    part,
    name: `${owner} .${name}`,
    kind: value.kind,
    from: written(value),
  }));
}

function written({ text, apply }: ValuePlan): string {
  return apply.length === 0 ? text : `${text} | ${apply.join(' | ')}`;
}

function addFields(schema: AvroSchema, type: Type, path: string, depth: number, rows: OutlineRow[]): void {
  if (depth > depthMax || rows.length > rowsMax) return;
  const { types } = avsc;
  if (type instanceof types.RecordType) {
    for (const field of type.fields) {
      const at = path === '' ? field.name : `${path}.${field.name}`;
      rows.push({ part: 'field', name: at, kind: typeText(schema, field.type), from: '' });
      addFields(schema, field.type, at, depth + 1, rows);
    }
  } else if (type instanceof types.UnwrappedUnionType || type instanceof types.WrappedUnionType) {
    const records = type.types.filter((branch) => branch instanceof types.RecordType);
    for (const branch of type.types) {
      const at =
        records.length > 1 && branch instanceof types.RecordType ? `${path}[${shortName(branch)}]` : path;
      addFields(schema, branch, at, depth + 1, rows);
    }
  } else if (type instanceof types.ArrayType) addFields(schema, type.itemsType, `${path}[]`, depth + 1, rows);
  else if (type instanceof types.MapType) addFields(schema, type.valuesType, `${path}{}`, depth + 1, rows);
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
