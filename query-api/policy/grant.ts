import type { NodeRef, NodeView, PropertyValue } from '../../graph-store/index.ts';
import type { Caller, ClaimValue } from '../auth/caller.ts';
import { holds } from '../where/predicate.ts';
import {
  everyName,
  type Fields,
  type NodeRights,
  type PartRights,
  type Policy,
  type RowRule,
} from './policy.ts';

/** A rule of one caller: what it compares with stands in place of the claim's name. */
export type GrantedRule =
  | { readonly kind: 'property'; readonly property: string; readonly values: readonly PropertyValue[] }
  | { readonly kind: 'id'; readonly ids: ReadonlySet<string> }
  | (RowRule & { readonly kind: 'over' });

/** What one scope grants of a node type; a node shows the fields of those whose rows it is one of. */
export interface NodeGrant {
  readonly rows: 'all' | readonly GrantedRule[];
  readonly fields: Fields;
  readonly lineage: boolean;
}

/**
 * What one caller may read: all that the scopes they hold grant, taken together. What none of them names is denied.
 * A claim that is missing equals nothing, not even a property that is missing too.
 */
export class Grant {
  readonly caller: Caller;
  /** The greatest of those scopes; null where none says. */
  readonly costBudget: number | null;
  readonly #operations = new Set<string>();
  readonly #nodes = new Map<string, NodeGrant[]>();
  readonly #edges = new Map<string, PartRights>();
  readonly #steps = new Map<string, PartRights>();

  constructor(policy: Policy, caller: Caller) {
    this.caller = caller;
    let budget: number | null = null;
    for (const scope of caller.scopes) {
      const rights = policy.scopes.get(scope);
      if (rights === undefined) continue;
      for (const operation of rights.operations) this.#operations.add(operation);
      for (const [type, node] of rights.nodes) this.#addNode(type, node);
      for (const [type, part] of rights.edges) addPart(this.#edges, type, part);
      for (const [domain, part] of rights.steps) addPart(this.#steps, domain, part);
      if (rights.costBudget !== null) budget = Math.max(budget ?? 0, rights.costBudget);
    }
    this.costBudget = budget;
  }

  /** A root field, of whatever kind of operation. `node` stands for all that read a node by type and id. */
  allows(operation: string): boolean {
    return this.#operations.has(operation);
  }

  /** Empty where no node of the type can be seen. */
  nodesOf(type: string): readonly NodeGrant[] {
    return [...(this.#nodes.get(type) ?? []), ...(this.#nodes.get(everyName) ?? [])];
  }

  /** True where every node of every type can be seen. */
  get seesEveryNode(): boolean {
    return (this.#nodes.get(everyName) ?? []).some(({ rows }) => rows === 'all');
  }

  /** True where every node, property and edge of every type can be seen: what counts over all of the graph may be told. */
  get seesEverything(): boolean {
    const everyNode = (this.#nodes.get(everyName) ?? []).some(
      ({ rows, fields }) => rows === 'all' && fields === 'all',
    );
    return everyNode && this.#edges.get(everyName)?.fields === 'all';
  }

  /** True where some node of the type may show the property. */
  mayShow(type: string, property: string): boolean {
    return this.nodesOf(type).some(({ fields }) => shows(fields, property));
  }

  /** Null where no edge of the type can be seen. */
  edgesOf(type: string): PartRights | null {
    return part(this.#edges, type);
  }

  /** Null where no step of the domain can be seen. */
  stepsOf(domain: string): PartRights | null {
    return part(this.#steps, domain);
  }

  /** Those of the asked ones that can be seen; null for all of them, whatever they are called. */
  domains(asked: readonly string[] | null): readonly string[] | null {
    if (this.#steps.has(everyName)) return asked;
    return asked === null ? [...this.#steps.keys()] : asked.filter((domain) => this.#steps.has(domain));
  }

  #addNode(type: string, { rows, fields, lineage }: NodeRights): void {
    const granted = rows === 'all' ? rows : rows.map((rule) => this.#granted(rule));
    const grants = this.#nodes.get(type) ?? [];
    this.#nodes.set(type, grants);
    grants.push({ rows: granted, fields, lineage });
  }

  #granted(rule: RowRule): GrantedRule {
    if (rule.kind === 'over') return rule;
    const values = this.caller.claims.get(rule.claim) ?? [];
    if (rule.kind === 'id') return { kind: 'id', ids: new Set(values.flatMap(asId)) };
    return { kind: 'property', property: rule.property, values };
  }
}

export function shows(fields: Fields, name: string): boolean {
  return fields === 'all' || fields.has(name);
}

export function mergedFields(all: readonly Fields[]): Fields {
  const names = new Set<string>();
  for (const fields of all) {
    if (fields === 'all') return 'all';
    for (const name of fields) names.add(name);
  }
  return names;
}

/** What can be said of a node without reading it: true, or not known yet. */
export function holdsUnread(rows: NodeGrant['rows'], { id }: NodeRef): boolean {
  return rows === 'all' || rows.some((rule) => rule.kind === 'id' && rule.ids.has(id));
}

/** Whether any rule holds that looks at nothing but the node itself. */
export function holdsAlone(rows: NodeGrant['rows'], { node, properties }: NodeView): boolean {
  if (rows === 'all' || holdsUnread(rows, node)) return true;
  return rows.some((rule) => {
    if (rule.kind !== 'property') return false;
    const value = properties.find(({ name }) => name === rule.property)?.value;
    const comparison = { operator: 'in', values: rule.values } as const;
    return holds({ kind: 'property', name: rule.property, comparison }, () => value);
  });
}

function addPart(parts: Map<string, PartRights>, name: string, added: PartRights): void {
  const before = parts.get(name);
  parts.set(name, before === undefined ? added : merged(before, added));
}

function merged(a: PartRights, b: PartRights): PartRights {
  return { fields: mergedFields([a.fields, b.fields]), lineage: a.lineage || b.lineage };
}

function part(parts: ReadonlyMap<string, PartRights>, name: string): PartRights | null {
  const own = parts.get(name);
  const every = parts.get(everyName);
  return own === undefined || every === undefined ? (own ?? every ?? null) : merged(own, every);
}

/** Ids are text; a claim may be a number. */
function asId(value: ClaimValue): readonly string[] {
  return typeof value === 'boolean' ? [] : [String(value)];
}

/** What was really read for a query counts hidden rows too: it is told to those only from whom nothing is hidden, no step either. */
export function tellsUsedTo(grant: Grant | null): boolean {
  return grant === null || (grant.seesEverything && grant.domains(null) === null);
}
