import {
  type AdjacencyQuery,
  type GraphReader,
  type NodeRef,
  type NodeView,
  readsAtOnceMax,
} from '../../graph-store/index.ts';
import { openEndMs } from '../open-end.ts';
import {
  type Grant,
  type GrantedRule,
  holdsAlone,
  holdsUnread,
  mergedFields,
  type NodeGrant,
  shows,
} from './grant.ts';

/** Of a node that is seen over an edge, so many of its newest edges are looked at; one with none among them stays hidden. */
const overEdgesMax = 64;
const overRowsMax = 256;

type OverRule = GrantedRule & { readonly kind: 'over' };

/**
 * Which nodes a caller sees, decided for many at once: at most one read of all nodes asked for, and where rules lead over edges one read of the edges
 * and one of their ends, each split only at what the store takes at once. Nothing is kept: a right that is taken away is gone with the next call.
 */
export class NodeSight {
  readonly #reader: GraphReader;
  readonly #grant: Grant;

  constructor(reader: GraphReader, grant: Grant) {
    this.#reader = reader;
    this.#grant = grant;
  }

  /** What each shows of itself; null for one that is not there or not to be seen. */
  async views(refs: readonly NodeRef[]): Promise<readonly (NodeView | null)[]> {
    const wanted = distinct(refs.filter(({ type }) => this.#grant.nodesOf(type).length > 0));
    const views = await this.#read(wanted);
    const matched = await this.#matched([...views.values()]);
    return refs.map((ref) => {
      const key = keyOf(ref);
      const view = views.get(key);
      const grants = matched.get(key) ?? [];
      return view === undefined || grants.length === 0 ? null : shownView(view, grants);
    });
  }

  /** Of each whether it is to be seen; what is there for everybody is not read for it. */
  async visible(refs: readonly NodeRef[]): Promise<(ref: NodeRef) => boolean> {
    const seen = new Set<string>();
    const unread: NodeRef[] = [];
    for (const ref of distinct(refs)) {
      const grants = this.#grant.nodesOf(ref.type);
      if (grants.some(({ rows }) => holdsUnread(rows, ref))) seen.add(keyOf(ref));
      else if (grants.length > 0) unread.push(ref);
    }
    const views = await this.#read(unread);
    for (const key of (await this.#matched([...views.values()])).keys()) seen.add(key);
    return (ref) => seen.has(keyOf(ref));
  }

  /** By key; what is not there is left out. */
  async #read(refs: readonly NodeRef[]): Promise<ReadonlyMap<string, NodeView>> {
    const views = new Map<string, NodeView>();
    for (const chunk of chunks(refs)) {
      for (const view of await this.#reader.nodes(chunk))
        if (view !== null) views.set(keyOf(view.node), view);
    }
    return views;
  }

  /** The grants of whose rows each is one; a node of none is left out. */
  async #matched(views: readonly NodeView[]): Promise<ReadonlyMap<string, readonly NodeGrant[]>> {
    const matched = new Map<string, NodeGrant[]>();
    const over: { readonly view: NodeView; readonly grant: NodeGrant; readonly rule: OverRule }[] = [];
    const add = ({ node }: NodeView, grant: NodeGrant): void => {
      const key = keyOf(node);
      const grants = matched.get(key) ?? [];
      matched.set(key, grants);
      if (!grants.includes(grant)) grants.push(grant);
    };
    for (const view of views) {
      for (const grant of this.#grant.nodesOf(view.node.type)) {
        if (holdsAlone(grant.rows, view)) add(view, grant);
        else for (const rule of overRules(grant)) over.push({ view, grant, rule });
      }
    }
    const reached = await this.#reached(over.map(({ view, rule }) => ({ of: view.node, rule })));
    for (const [index, { view, grant }] of over.entries()) if (reached[index] === true) add(view, grant);
    return matched;
  }

  /** Whether each has such an edge to a node that is seen by a rule about itself: rules over edges do not lead on, so this ends. */
  async #reached(
    asked: readonly { readonly of: NodeRef; readonly rule: OverRule }[],
  ): Promise<readonly boolean[]> {
    const ends: (readonly NodeRef[])[] = [];
    for (const chunk of chunks(asked)) {
      const pages = await this.#reader.adjacencies(chunk.map(({ of, rule }) => overQuery(of, rule)));
      for (const [index, { occurrences }] of pages.entries()) {
        const rule = chunk[index]?.rule;
        const far = occurrences.map(({ from, to }) => (rule?.direction === 'out' ? to : from));
        ends.push(distinct(far).filter(({ type }) => type === rule?.node));
      }
    }
    const unread = ends.flat().filter((ref) => !this.#seenUnread(ref));
    const views = await this.#read(distinct(unread));
    const seen = (ref: NodeRef): boolean => {
      const view = views.get(keyOf(ref));
      if (view === undefined) return this.#seenUnread(ref);
      return this.#grant.nodesOf(ref.type).some(({ rows }) => holdsAlone(rows, view));
    };
    return ends.map((far) => far.some(seen));
  }

  #seenUnread(ref: NodeRef): boolean {
    return this.#grant.nodesOf(ref.type).some(({ rows }) => holdsUnread(rows, ref));
  }
}

function overRules({ rows }: NodeGrant): readonly OverRule[] {
  return rows === 'all' ? [] : rows.filter((rule) => rule.kind === 'over');
}

function overQuery(of: NodeRef, { edge, direction }: OverRule): AdjacencyQuery {
  const bounds = { sinceMs: 0, untilMs: openEndMs, limit: overEdgesMax, scanMax: overRowsMax };
  return { of, type: edge, direction, ...bounds };
}

/**
 * Lineage names the record that wrote a property last; of a node without any, its newest edge or step, whosever. So it is shown only where it can be
 * about nothing that is hidden.
 */
function shownView(view: NodeView, grants: readonly NodeGrant[]): NodeView {
  const fields = mergedFields(grants.map((grant) => grant.fields));
  const properties = view.properties.filter(({ name }) => shows(fields, name));
  const told = fields === 'all' && properties.length > 0 && grants.some(({ lineage }) => lineage);
  return { node: view.node, properties, lineage: told ? view.lineage : null };
}

export function keyOf({ type, id }: NodeRef): string {
  return `${type}\u0000${id}`;
}

function distinct(refs: readonly NodeRef[]): readonly NodeRef[] {
  return [...new Map(refs.map((ref) => [keyOf(ref), ref])).values()];
}

function* chunks<T>(items: readonly T[]): Iterable<readonly T[]> {
  for (let at = 0; at < items.length; at += readsAtOnceMax) yield items.slice(at, at + readsAtOnceMax);
}
