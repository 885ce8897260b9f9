import avsc, { type Type } from 'avsc';
import {
  type AvroSchema,
  type BlockPlan,
  type ConditionPlan,
  expressionReads,
  type FieldRead,
  type MappingPlan,
  type PathPlan,
  type PropertyPlan,
  type ValuePlan,
} from '../schemas/index.ts';

/** Deeper, a record inside itself would go on for ever. */
const depthMax = 12;
/** No path begins like it. */
const noField = '\0';
const fieldsMax = 5_000;

/**
 * The single values of an event, such as `device.model`, `items[].sku` and `labels{}`; of a union of several records
 * `payment[Card].last4`.
 */
export function leavesOf(schema: AvroSchema): readonly string[] {
  const leaves = new Set<string>();
  visit(schema.type, '', 0, leaves);
  return [...leaves];
}

function visit(type: Type, path: string, depth: number, leaves: Set<string>): void {
  if (depth > depthMax || leaves.size >= fieldsMax) return;
  const { types } = avsc;
  if (type instanceof types.RecordType) {
    for (const field of type.fields) visit(field.type, under(path, field.name), depth + 1, leaves);
  } else if (type instanceof types.ArrayType) visit(type.itemsType, `${path}[]`, depth + 1, leaves);
  else if (type instanceof types.MapType) visit(type.valuesType, `${path}{}`, depth + 1, leaves);
  else if (isUnion(type)) {
    for (const branch of filledBranches(type)) visit(branch, branchPath(type, branch, path), depth, leaves);
  } else if (!(type instanceof types.NullType)) leaves.add(path);
}

/** Adds one to each leaf that holds something in this event, decoded by the schema's type. */
export function countFilled(schema: AvroSchema, event: unknown, counts: Map<string, number>): void {
  const filled = new Set<string>();
  fill(schema.type, event, '', 0, filled);
  for (const path of filled) counts.set(path, (counts.get(path) ?? 0) + 1);
}

function fill(type: Type, value: unknown, path: string, depth: number, filled: Set<string>): void {
  if (value === null || value === undefined || depth > depthMax) return;
  const { types } = avsc;
  if (type instanceof types.RecordType) {
    for (const { name, type: inner } of type.fields)
      fill(inner, property(value, name), under(path, name), depth + 1, filled);
  } else if (type instanceof types.ArrayType) {
    if (Array.isArray(value))
      for (const item of value) fill(type.itemsType, item, `${path}[]`, depth + 1, filled);
  } else if (type instanceof types.MapType) {
    if (typeof value === 'object')
      for (const item of Object.values(value)) fill(type.valuesType, item, `${path}{}`, depth + 1, filled);
  } else if (type instanceof types.WrappedUnionType) {
    for (const branch of filledBranches(type)) {
      const inner = property(value, branch.branchName ?? '');
      fill(branch, inner, branchPath(type, branch, path), depth, filled);
    }
  } else if (type instanceof types.UnwrappedUnionType) {
    const branch = filledBranches(type).find((one) => one.isValid(value));
    if (branch !== undefined) fill(branch, value, branchPath(type, branch, path), depth, filled);
  } else filled.add(path);
}

/** Which leaves a mapping reads. */
export function readLeaves(schema: AvroSchema, plan: MappingPlan): ReadonlySet<string> {
  const reads = new Reads(schema);
  reads.path(plan.time, ['']);
  if (plan.eventId !== null) reads.path(plan.eventId, ['']);
  // Rows are roots between the event and the loops; what is read of them is no field of the event.
  const prefixes = ['', ...plan.lookups.map(() => noField)];
  const names = ['', ...plan.lookups.map(({ as }) => as)];
  for (const { key } of plan.lookups) reads.value(key, prefixes, names);
  reads.block(plan.body, prefixes, names, attribute(schema.json, 'graph'));
  reads.condition(plan.step?.where ?? null, prefixes, names);
  if (typeof plan.rank !== 'number') reads.value(plan.rank, prefixes, names);
  reads.properties(plan.step?.properties ?? [], prefixes, names);
  return new Set(leavesOf(schema).filter((leaf) => reads.has(leaf)));
}

class Reads {
  readonly #schema: AvroSchema;
  readonly #exact = new Set<string>();
  /** Everything below is read. */
  readonly #whole = new Set<string>();

  constructor(schema: AvroSchema) {
    this.#schema = schema;
  }

  has(leaf: string): boolean {
    if (this.#exact.has(leaf) || this.#whole.has('')) return true;
    for (const whole of this.#whole) {
      if (leaf === whole || (leaf.startsWith(whole) && /^[.[{]/.test(leaf.slice(whole.length)))) return true;
    }
    return false;
  }

  /** `prefixes` and `names` are of the event and the loops around; a plan keeps no loop's name, so the JSON tells it. */
  block(block: BlockPlan, prefixes: readonly string[], names: readonly string[], json: unknown): void {
    const { where, nodes, edges, loops } = block;
    this.condition(where, prefixes, names);
    for (const node of nodes) {
      this.value(node.id, prefixes, names);
      this.condition(node.where, prefixes, names);
      this.properties(node.properties, prefixes, names);
    }
    for (const edge of edges) {
      this.condition(edge.where, prefixes, names);
      if (edge.key !== null) this.value(edge.key, prefixes, names);
      this.properties(edge.properties, prefixes, names);
    }
    const declared = attribute(json, 'forEach');
    for (const [index, { in: path, over, body }] of loops.entries()) {
      const loop: unknown = Array.isArray(declared) ? declared[index] : undefined;
      const prefix = `${this.#place(path, prefixes)}${over === 'items' ? '[]' : '{}'}`;
      this.block(body, [...prefixes, prefix], [...names, String(attribute(loop, 'as') ?? '')], loop);
    }
  }

  properties(
    properties: readonly PropertyPlan[],
    prefixes: readonly string[],
    names: readonly string[],
  ): void {
    for (const { value, where, set } of properties) {
      this.condition(where, prefixes, names);
      // A set's value reads an item of its array, as a loop's body would.
      const items = set?.in == null ? [] : [`${this.#place(set.in, prefixes)}[]`];
      this.value(value, [...prefixes, ...items], names);
    }
  }

  value({ source }: ValuePlan, prefixes: readonly string[], names: readonly string[]): void {
    if (source.from === 'field') this.path(source.field, prefixes);
    else if (source.from === 'expression') this.#expression(source.expression.text, prefixes, names);
  }

  condition(condition: ConditionPlan | null, prefixes: readonly string[], names: readonly string[]): void {
    if (condition !== null) this.#expression(condition.text, prefixes, names);
  }

  path(field: FieldRead, prefixes: readonly string[]): void {
    // A decimal with a scale of its own is one value to a mapping, and a record of two in the schema.
    const read = field.scale === null ? this.#whole : this.#exact;
    read.add(this.#place(field, prefixes));
  }

  #expression(text: string, prefixes: readonly string[], names: readonly string[]): void {
    for (const [name, fields] of expressionReads(text)) {
      const loop = names.indexOf(name);
      const prefix = loop > 0 ? (prefixes[loop] ?? '') : name === 'event' ? '' : name;
      if (fields === null) this.#whole.add(prefix);
      for (const field of fields ?? []) {
        // Of a map's entry the value is what the event holds; of a map the key is one of its entries.
        const isEntry = prefix.endsWith('{}') && loop > 0;
        this.#whole.add(isEntry ? prefix : this.#fieldOrEntry(prefix, field));
      }
    }
  }

  #fieldOrEntry(prefix: string, field: string): string {
    const type = typeAt(this.#schema.type, prefix);
    return type instanceof avsc.types.MapType ? `${prefix}{}` : under(prefix, field);
  }

  #place({ root, steps }: PathPlan, prefixes: readonly string[]): string {
    let path = prefixes[root] ?? '';
    for (const step of steps) {
      if (step.kind === 'key') path = `${path}{}`;
      else if (step.kind === 'field' && !(path.endsWith('{}') && /^(key|value)$/.test(step.name) && root > 0))
        path = under(path, step.name);
      else if (step.kind === 'unwrap') {
        const union = unionAt(this.#schema.type, path);
        const branch = union?.types.find((one) => one.branchName === step.branch);
        if (union !== null && branch !== undefined) path = branchPath(union, branch, path);
      }
    }
    return path;
  }
}

function unionAt(
  type: Type,
  path: string,
): avsc.types.WrappedUnionType | avsc.types.UnwrappedUnionType | null {
  const found = typeAt(type, path, true);
  return found !== null && isUnion(found) ? found : null;
}

/** The type at a path of ours, without null; null when there is none. */
function typeAt(type: Type, path: string, keepUnion = false): Type | null {
  let at: Type | null = type;
  for (const [token] of path.matchAll(/\[\]|\{\}|\[[^\]]+\]|[^.[\]{}]+/g)) {
    if (at === null) return null;
    const { types } = avsc;
    if (/^\[.+\]$/.test(token)) {
      const name = token.slice(1, -1);
      at = isUnion(at) ? (at.types.find((branch) => shortName(branch) === name) ?? null) : at;
      continue;
    }
    const inner = onlyBranch(at);
    if (inner instanceof types.RecordType) at = inner.fields.find(({ name }) => name === token)?.type ?? null;
    else if (inner instanceof types.ArrayType) at = inner.itemsType;
    else if (inner instanceof types.MapType) at = inner.valuesType;
    else return null;
  }
  return at === null || keepUnion ? at : onlyBranch(at);
}

function onlyBranch(type: Type): Type {
  if (!isUnion(type)) return type;
  const branches = filledBranches(type);
  const records = branches.filter((branch) => branch instanceof avsc.types.RecordType);
  return (branches.length === 1 ? branches[0] : records.length === 1 ? records[0] : undefined) ?? type;
}

function branchPath(union: Type, branch: Type, path: string): string {
  const records = filledBranches(union).filter((one) => one instanceof avsc.types.RecordType);
  return records.length > 1 && branch instanceof avsc.types.RecordType
    ? `${path}[${shortName(branch)}]`
    : path;
}

function filledBranches(type: Type): readonly Type[] {
  return isUnion(type) ? type.types.filter((branch) => !(branch instanceof avsc.types.NullType)) : [];
}

function isUnion(type: Type): type is avsc.types.WrappedUnionType | avsc.types.UnwrappedUnionType {
  return type instanceof avsc.types.WrappedUnionType || type instanceof avsc.types.UnwrappedUnionType;
}

function shortName(type: Type): string {
  return (type.name ?? '').replace(/^.*\./, '');
}

function under(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

function attribute(node: unknown, name: string): unknown {
  return Array.isArray(node) ? undefined : property(node, name);
}
