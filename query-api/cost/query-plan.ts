import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
} from 'graphql';
import { tooLarge } from '../api-error.ts';
import { costlyTypes } from './costly-types.ts';
import type { Cost, CostContext, FieldCost, FieldCosts, PooledRows } from './field-cost.ts';

/** What planning asks about; the variables are coerced. */
export interface PlannedOperation {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** One thing about an operation that is otherwise. */
export type PlanChange =
  | {
      readonly kind: 'argument';
      readonly path: string;
      readonly argument: string;
      readonly from: number;
      readonly to: number;
    }
  | { readonly kind: 'without'; readonly path: string };

/** A field that reads the store, and what all its resolvings come to at most. */
export interface PlannedField {
  /** Response keys from the root on, such as `account.journey`. */
  readonly path: string;
  readonly times: number;
  readonly total: Cost;
  readonly costs: FieldCosts;
  /** Where it is written. */
  readonly node: FieldNode;
}

export interface QueryPlan {
  readonly total: Cost;
  readonly fields: readonly PlannedField[];
}

export interface SizedPlan extends QueryPlan {
  /** How much planning looked at. */
  readonly size: number;
}

/** A field at the root of an operation, with its arguments. */
export interface RootRead {
  readonly path: string;
  readonly node: FieldNode;
  readonly cost: FieldCost<Readonly<Record<string, unknown>>>;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Unfolded, fragments included. Far above what a screen needs; fragments within fragments could otherwise unfold without end. */
const fieldsMax = 5000;

interface Walk {
  readonly asked: PlannedOperation;
  readonly context: CostContext;
  readonly change: PlanChange | null;
  readonly fields: PlannedField[];
  readonly costly: ReadonlySet<string>;
  left: number;
}

/**
 * What an operation asks of the store at most, before anything is read. Fields that merge are counted once, as they are resolved once; what
 * fragments on different types select below the same object is counted for each, although an object is of one type only.
 *
 * @throws GraphQLError `QUERY_TOO_LARGE` when it unfolds to too many fields.
 */
export function planQuery(
  asked: PlannedOperation,
  context: CostContext,
  change: PlanChange | null = null,
): SizedPlan {
  const costly = costlyTypes(asked.schema);
  const walk: Walk = { asked, context, change, fields: [], costly, left: fieldsMax };
  const root = asked.schema.getRootType(asked.operation.operation);
  if (root != null) planBelow(walk, root, [asked.operation.selectionSet.selections], '', 1);
  return { total: totalOf(walk.fields), fields: walk.fields, size: fieldsMax - walk.left };
}

/** As {@link planQuery}, of an operation that is known to read the store at its root alone. */
export function planReads(reads: readonly RootRead[], context: CostContext): QueryPlan {
  const fields = reads.map(({ path, node, cost, input }): PlannedField => {
    const costs = cost(input, context);
    return { path, times: 1, total: costOfTimes(costs, 1), costs, node };
  });
  return { total: totalOf(fields), fields };
}

/** Fields that share a bound on rows come to no more than that together. */
function totalOf(fields: readonly PlannedField[]): Cost {
  const sum = fields.reduce((all, { total }) => addCost(all, total), { calls: 0, rows: 0 });
  let each = 0;
  let most = 0;
  let least = 0;
  for (const { times, costs } of fields) {
    if (costs.pooled === undefined) continue;
    each += pooledRows(costs.pooled, times);
    most = Math.max(most, costs.pooled.most);
    least += costs.pooled.least * times;
  }
  return { ...sum, rows: sum.rows - each + Math.min(each, most + least) };
}

function pooledRows({ rows, most, least }: PooledRows, times: number): number {
  return Math.min(rows * times, most + least * times);
}

function costOfTimes({ own, callsOf, pooled }: FieldCosts, times: number): Cost {
  const calls = callsOf === undefined ? own.calls * times : callsOf(times);
  const rows = own.rows * times;
  return pooled === undefined
    ? { calls, rows }
    : { calls, rows: rows - pooled.rows * times + pooledRows(pooled, times) };
}

export function addCost(a: Cost, b: Cost): Cost {
  return { calls: a.calls + b.calls, rows: a.rows + b.rows };
}

/** What merges into one field: same response key, same type that it is asked of. */
interface Collected {
  readonly name: string;
  readonly key: string;
  readonly on: GraphQLCompositeType;
  readonly nodes: FieldNode[];
}

function planBelow(
  walk: Walk,
  type: GraphQLCompositeType,
  selections: readonly (readonly SelectionNode[])[],
  at: string,
  times: number,
): void {
  const collected = new Map<string, Collected>();
  const visited = new Set<string>();
  for (const list of selections) collect(walk, type, list, collected, visited);
  for (const field of collected.values()) planField(walk, field, at, times);
}

function collect(
  walk: Walk,
  type: GraphQLCompositeType,
  selections: readonly SelectionNode[],
  collected: Map<string, Collected>,
  visited: Set<string>,
): void {
  const { schema, fragments } = walk.asked;
  for (const selection of selections) {
    walk.left -= 1;
    if (walk.left < 0)
      throw tooLarge(`The query unfolds to more than ${fieldsMax} fields and spreads.`, fieldsMax);
    if (!isIncluded(walk, selection)) continue;
    if (selection.kind === Kind.FIELD) {
      const key = (selection.alias ?? selection.name).value;
      const merged = collected.get(`${type.name} ${key}`);
      if (merged !== undefined) merged.nodes.push(selection);
      else
        collected.set(`${type.name} ${key}`, {
          name: selection.name.value,
          key,
          on: type,
          nodes: [selection],
        });
      continue;
    }
    const spread = selection.kind === Kind.FRAGMENT_SPREAD ? selection.name.value : null;
    const fragment = spread === null ? selection : fragments.get(spread);
    if (fragment === undefined || fragment.kind === Kind.FRAGMENT_SPREAD) continue;
    const condition = fragment.typeCondition?.name.value;
    const inner = condition === undefined ? type : narrowed(schema, type, condition);
    if (inner === null) continue;
    const once = spread === null ? null : `${spread} ${inner.name}`;
    if (once !== null && visited.has(once)) continue;
    if (once !== null) visited.add(once);
    collect(walk, inner, fragment.selectionSet.selections, collected, visited);
  }
}

/** The type that a fragment's fields are asked of below `type`; null where it can never apply. */
function narrowed(
  schema: GraphQLSchema,
  type: GraphQLCompositeType,
  condition: string,
): GraphQLCompositeType | null {
  const named = schema.getType(condition);
  if (named === undefined || !isCompositeType(named)) return null;
  if (named === type) return type;
  if (isObjectType(type)) return isAbstractType(named) && schema.isSubType(named, type) ? type : null;
  return named;
}

function isIncluded(walk: Walk, selection: SelectionNode): boolean {
  const { variables } = walk.asked;
  if (selection.directives === undefined || selection.directives.length === 0) return true;
  const values = { ...variables };
  if (getDirectiveValues(GraphQLSkipDirective, selection, values)?.if === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, selection, values)?.if !== false;
}

function planField(walk: Walk, { name, key, on, nodes }: Collected, at: string, times: number): void {
  const [node] = nodes;
  // Introspection reads no graph and has limits of its own.
  if (node === undefined || name.startsWith('__')) return;
  const path = at === '' ? key : `${at}.${key}`;
  if (walk.change?.kind === 'without' && walk.change.path === path) return;
  const definitions = definitionsOf(walk.asked.schema, on, name);
  const [definition] = definitions;
  if (definition === undefined) return;
  let objects = 1;
  const costs = costOf(walk, definitions, node, path);
  if (costs !== null) {
    const total = costOfTimes(costs, times);
    walk.fields.push({ path, times, total, costs, node });
    objects = costs.objects;
  }
  const type = getNamedType(definition.type);
  if (!isCompositeType(type) || objects === 0 || !walk.costly.has(type.name)) return;
  const selections = nodes.flatMap(({ selectionSet }) =>
    selectionSet === undefined ? [] : [selectionSet.selections],
  );
  planBelow(walk, type, selections, path, times * objects);
}

type AnyField = GraphQLField<unknown, unknown>;

/** The field itself; of an interface that does not say what it costs, those of all types it may stand for. */
function definitionsOf(schema: GraphQLSchema, type: GraphQLCompositeType, name: string): readonly AnyField[] {
  if (!('getFields' in type)) return [];
  const own = type.getFields()[name];
  if (own === undefined) return [];
  if (isObjectType(type) || typeof own.extensions.cost === 'function') return [own];
  const possible = schema.getPossibleTypes(type).flatMap((one) => one.getFields()[name] ?? []);
  return [own, ...possible.filter(({ extensions }) => typeof extensions.cost === 'function')];
}

/** The dearest of them; null when none reads the store. */
function costOf(
  walk: Walk,
  definitions: readonly AnyField[],
  node: FieldNode,
  path: string,
): FieldCosts | null {
  let dearest: FieldCosts | null = null;
  for (const definition of definitions) {
    const cost = definition.extensions.cost;
    if (!isFieldCost(cost)) continue;
    const input = argumentsOf(walk, definition, node, path);
    if (input === null) continue;
    const costs = cost(input, walk.context);
    if (dearest === null || costs.own.rows * costs.objects > dearest.own.rows * dearest.objects)
      dearest = costs;
  }
  return dearest;
}

export function isFieldCost(cost: unknown): cost is FieldCost<Readonly<Record<string, unknown>>> {
  return typeof cost === 'function';
}

/** Coerced as the resolver gets them; null when they cannot be, and then no resolver runs. */
function argumentsOf(
  walk: Walk,
  definition: AnyField,
  node: FieldNode,
  path: string,
): Readonly<Record<string, unknown>> | null {
  const { change, asked } = walk;
  const input = coercedOnce(asked, definition, node);
  if (input === null) return null;
  if (change?.kind !== 'argument' || change.path !== path) return input;
  const changed = withValue(input, change.argument.split('.'), change.to);
  return isRecord(changed) ? changed : input;
}

type Input = Readonly<Record<string, unknown>>;

/** Looking for a change plans the same operation many times over, and coercing is most of that. */
const coerced = new WeakMap<PlannedOperation, Map<FieldNode, Map<AnyField, Input | null>>>();

function coercedOnce(asked: PlannedOperation, definition: AnyField, node: FieldNode): Input | null {
  const nodes = coerced.get(asked) ?? new Map<FieldNode, Map<AnyField, Input | null>>();
  coerced.set(asked, nodes);
  const definitions = nodes.get(node) ?? new Map<AnyField, Input | null>();
  nodes.set(node, definitions);
  const known = definitions.get(definition);
  if (known !== undefined) return known;
  const input = coercedArguments(asked, definition, node);
  definitions.set(definition, input);
  return input;
}

function coercedArguments(asked: PlannedOperation, definition: AnyField, node: FieldNode): Input | null {
  try {
    return getArgumentValues(definition, node, { ...asked.variables });
  } catch {
    // Executing meets the same fault and says where it is.
    return null;
  }
}

/** A copy with one value inside replaced. */
function withValue(value: unknown, [name, ...rest]: readonly string[], to: number): unknown {
  if (name === undefined) return to;
  if (Array.isArray(value))
    return value.map((item, index) => (String(index) === name ? withValue(item, rest, to) : item));
  if (!isRecord(value)) return rest.length === 0 ? { [name]: to } : value;
  return { ...value, [name]: withValue(value[name], rest, to) };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
