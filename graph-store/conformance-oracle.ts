import type {
  AdjacencyPage,
  AdjacencyQuery,
  DegreeQuery,
  JourneyPage,
  JourneyQuery,
  OccurrencePosition,
  OccurrenceView,
  StepView,
} from './graph-store.ts';
import { compareTimePositions } from './merge.ts';
import type { EventMutations, NodeRef } from './model.ts';
import * as rows from './rows.ts';

type Place = Pick<OccurrenceView, 'type' | 'from' | 'to' | 'key'>;

/**
 * What reads have to answer, worked out from the list of events alone: nothing is merged, indexed or kept, so that it shares no
 * mistake with an adapter, the reference included. Of times to live it knows those of nodes, as far as `expiredMs` tells up to when a type's are hidden;
 * a journey's `bytesMax` never bites.
 */
export class NaiveGraph {
  readonly #events: readonly EventMutations[];
  /** What each step's links were before those to deleted nodes were left out. */
  readonly #linkedBy = new WeakMap<StepView, readonly string[]>();

  readonly #expiredMs: (type: string) => number;

  constructor(events: readonly EventMutations[], expiredMs: (type: string) => number = () => -1) {
    this.#events = events;
    this.#expiredMs = expiredMs;
  }

  adjacency(query: AdjacencyQuery): AdjacencyPage {
    const candidates = this.#rowsOf(query).filter(isBehind(query));
    const occurrences: OccurrenceView[] = [];
    let scanned = 0;
    for (const occurrence of candidates) {
      if (occurrences.length === query.limit || scanned === query.scanMax) break;
      scanned += 1;
      if (!this.#isVisible(occurrence)) continue;
      occurrences.push(query.endsOnly === true ? { ...occurrence, properties: [] } : occurrence);
    }
    return {
      occurrences,
      scanned,
      truncated: scanned < candidates.length && occurrences.length < query.limit,
      last: placeOf(query, candidates[scanned - 1]),
    };
  }

  /** Of all rows, and of those that are visible. */
  degree(query: DegreeQuery): { readonly rows: number; readonly visible: number } {
    const found = this.#rowsOf(query);
    return { rows: found.length, visible: found.filter((one) => this.#isVisible(one)).length };
  }

  journey(query: JourneyQuery): JourneyPage {
    const way = query.order === 'oldest-first' ? 1 : -1;
    const { after } = query;
    const candidates = this.#stepsOf(query.of)
      .filter(({ timeMs }) => timeMs >= query.sinceMs && timeMs < query.untilMs)
      .sort((a, b) => way * compareTimePositions(a, b))
      .filter((step) => after === null || way * compareTimePositions(step, after) > 0);
    const steps: StepView[] = [];
    let scanned = 0;
    for (const step of candidates) {
      if (steps.length === query.limit || scanned === query.scanMax) break;
      scanned += 1;
      const inDomain = query.domains === null || query.domains.includes(step.domain);
      const types = query.edgeTypes ?? null;
      const edges = this.#linkedBy.get(step) ?? [];
      if (inDomain && (types === null || edges.some((edge) => types.includes(edge)))) steps.push(step);
    }
    const last = candidates[scanned - 1];
    const more = scanned < candidates.length;
    return {
      steps,
      scanned,
      more,
      truncated: more && steps.length < query.limit,
      last: last === undefined ? null : { timeMs: last.timeMs, occurrence: last.occurrence },
    };
  }

  /** Up to which time the node is hidden: that of its latest delete, or it is kept no longer; -1 without one. */
  deletedMs(node: NodeRef): number {
    const deletedMs = this.#latest(
      (mutation) => mutation.kind === 'node-delete' && same(mutation.node, node),
    );
    return Math.max(deletedMs, this.#expiredMs(node.type));
  }

  #isVisible(occurrence: OccurrenceView): boolean {
    const { timeMs, from, to } = occurrence;
    const edgeMs = this.#latest(
      (mutation) =>
        mutation.kind === 'edge-delete' && samePlace({ ...mutation, key: mutation.key ?? null }, occurrence),
    );
    return timeMs > Math.max(edgeMs, this.deletedMs(from), this.deletedMs(to));
  }

  #latest(matches: (mutation: EventMutations['mutations'][number]) => boolean): number {
    const times = this.#events.filter(({ mutations }) => mutations.some(matches)).map(({ timeMs }) => timeMs);
    return Math.max(-1, ...times);
  }

  #rowsOf(query: Omit<DegreeQuery, 'scanMax'>): OccurrenceView[] {
    const own = query.direction === 'out' ? 'from' : 'to';
    const hiddenMs = this.deletedMs(query.of);
    const found: OccurrenceView[] = [];
    for (const { timeMs, occurrence, mutations } of this.#events) {
      if (timeMs <= hiddenMs || timeMs < query.sinceMs || timeMs >= query.untilMs) continue;
      for (const mutation of mutations) {
        if (mutation.kind !== 'edge' || mutation.type !== query.type) continue;
        if (!same(mutation[own], query.of)) continue;
        const { type, from, to, key = null, properties } = mutation;
        const view = { type, from, to, key, timeMs, occurrence, properties, lineage: null };
        const before = found.findIndex((other) => other.occurrence === occurrence && samePlace(other, view));
        if (before !== -1) found.splice(before, 1);
        found.push(view);
      }
    }
    const other = query.direction === 'out' ? 'to' : 'from';
    const endOf = (view: OccurrenceView): Buffer =>
      Buffer.concat([rows.nodeName(view[other]), Buffer.from(view.key ?? '')]);
    return found.sort((a, b) => compareTimePositions(b, a) || endOf(a).compare(endOf(b)));
  }

  #stepsOf(owner: NodeRef): StepView[] {
    const hiddenMs = this.deletedMs(owner);
    const found: StepView[] = [];
    for (const { timeMs, occurrence, mutations } of this.#events) {
      if (timeMs <= hiddenMs) continue;
      // One event is one step of a member: of two that it names, the last.
      const step = mutations.findLast((mutation) => mutation.kind === 'step' && same(mutation.owner, owner));
      if (step?.kind !== 'step') continue;
      const { domain, action, properties } = step;
      const links = step.links.filter(({ node }) => timeMs > this.deletedMs(node));
      const view = { owner, timeMs, occurrence, domain, action, links, properties, lineage: null };
      this.#linkedBy.set(
        view,
        step.links.map(({ edge }) => edge),
      );
      found.push(view);
    }
    return found;
  }
}

function placeOf({ direction }: AdjacencyQuery, view: OccurrenceView | undefined): OccurrencePosition | null {
  if (view === undefined) return null;
  const { timeMs, occurrence, key } = view;
  return { timeMs, occurrence, far: direction === 'out' ? view.to : view.from, key };
}

/** Worked out from the parts of a place, where the adapters compare bytes. */
function isBehind(query: AdjacencyQuery): (view: OccurrenceView) => boolean {
  const { after } = query;
  if (after === null || after === undefined) return () => true;
  return (view) => {
    const place = placeOf(query, view);
    if (place === null) return false;
    const byEvent = compareTimePositions(after, place);
    if (byEvent !== 0) return byEvent > 0;
    const byEnd = Buffer.compare(rows.nodeName(place.far), rows.nodeName(after.far));
    return (
      byEnd > 0 ||
      (byEnd === 0 && Buffer.compare(Buffer.from(place.key ?? ''), Buffer.from(after.key ?? '')) > 0)
    );
  };
}

function same(a: NodeRef, b: NodeRef): boolean {
  return a.type === b.type && a.id === b.id;
}

function samePlace(a: Place, b: Place): boolean {
  return a.type === b.type && a.key === b.key && same(a.from, b.from) && same(a.to, b.to);
}
