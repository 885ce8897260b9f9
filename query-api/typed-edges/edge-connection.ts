import { GraphQLError } from 'graphql';
import { unreachable } from '../../foundation/index.ts';
import type {
  AdjacencyPage,
  NodeRef,
  NodeView,
  OccurrencePosition,
  OccurrenceView,
  PropertyValue,
} from '../../graph-store/index.ts';
import type { ApiContext } from '../api-context.ts';
import { tooLarge } from '../api-error.ts';
import type { GraphNode } from '../graph-node-type.ts';
import type { JourneyAnswer } from '../journey-type.ts';
import { holds, type Predicate, type ValueOf } from '../where/predicate.ts';
import { farPrefix } from '../where/typed-where.ts';
import {
  type ConnectionArguments,
  type ConnectionPlan,
  type ConnectionSide,
  firstLookRows,
  nextLookRows,
  planConnection,
} from './connection-arguments.ts';
import { writeEdgeCursor } from './edge-cursor.ts';
import { bytesOfQueryMax, loaderOf, type StoreLoader } from './store-loader.ts';

/** One edge of a connection. */
export interface FoundEdge {
  readonly occurrence: OccurrenceView;
  readonly position: OccurrencePosition;
  readonly values: ReadonlyMap<string, PropertyValue>;
  /** Of the far end, where a condition had it read; null when it has not been. */
  readonly view: NodeView | null;
}

export interface ConnectionAnswer extends Pick<JourneyAnswer, 'completeness' | 'freshness'> {
  readonly edges: readonly FoundEdge[];
  readonly pageInfo: Omit<JourneyAnswer['pageInfo'], 'startCursor'> & {
    readonly startCursor: () => string | null;
  };
}

/** The edges of one type at one node: one read of the store for it and its siblings; with a condition, one for each look. */
export async function readConnection(
  { node }: GraphNode,
  side: ConnectionSide,
  input: ConnectionArguments,
  context: ApiContext,
): Promise<ConnectionAnswer> {
  const plan = planConnection(node, side, input, context.limits, context.clock.now());
  const loader = loaderOf(context);
  const found = plan.condition === null ? await readPage(plan, loader) : await readFiltered(plan, loader);
  return answer(plan, held(found, plan.after, loader), context);
}

interface Found {
  readonly edges: readonly FoundEdge[];
  readonly scanned: number;
  readonly ended: 'ALL' | 'PAGE' | 'SCAN' | 'BYTES';
  /** Where the next page starts after; null when nothing was looked at. */
  readonly last: OccurrencePosition | null;
}

async function readPage({ query, after, first }: ConnectionPlan, loader: StoreLoader): Promise<Found> {
  // One more than the page tells whether there is a next one.
  const page = await loader.adjacency({ ...query, after, limit: first + 1 });
  if (page === null) return notRead(after);
  const edges = page.occurrences.map((occurrence) => foundEdge(query.direction, occurrence));
  return pageOf(edges, first, page.scanned, page.truncated, page.last);
}

async function readFiltered(plan: ConnectionPlan, loader: StoreLoader): Promise<Found> {
  const { query, first } = plan;
  const edges: FoundEdge[] = [];
  let { after } = plan;
  let scanned = 0;
  for (let rows = firstLookRows; ; rows = nextLookRows(rows)) {
    const left = Math.min(rows, query.scanMax - scanned);
    const limit = left < 1 ? 0 : loader.takeRows(left, scanned === 0);
    if (limit === 0) return pageOf(edges, first, scanned, true, after);
    const page: AdjacencyPage | null = await loader.adjacency({
      ...query,
      after,
      limit,
      scanMax: query.scanMax - scanned,
    });
    if (page === null) return notRead(plan.after);
    scanned += page.scanned;
    edges.push(...(await matching(plan, page, loader)));
    after = page.last ?? after;
    const isEnd = !page.truncated && page.occurrences.length < limit;
    if (edges.length > first || isEnd || page.truncated) {
      return pageOf(edges, first, scanned, page.truncated, after);
    }
  }
}

async function matching(
  { query, condition }: ConnectionPlan,
  { occurrences }: AdjacencyPage,
  loader: StoreLoader,
): Promise<readonly FoundEdge[]> {
  const own = condition?.own ?? null;
  const far = condition?.far ?? null;
  const edges = occurrences
    .map((occurrence) => foundEdge(query.direction, occurrence))
    .filter(({ values }) => own === null || holds(own, (name) => values.get(name)));
  if (far === null) return edges;
  const views = await Promise.all(edges.map(({ position }) => loader.view(position.far)));
  return edges.flatMap((edge, i) => {
    const view = views[i] ?? null;
    return view !== null && holdsFor(far, edge, view) ? [{ ...edge, view }] : [];
  });
}

function holdsFor(predicate: Predicate, { values }: FoundEdge, { properties }: NodeView): boolean {
  const far: ValueOf = (property) => properties.find(({ name }) => name === property)?.value;
  return holds(predicate, (name) =>
    name.startsWith(farPrefix) ? far(name.slice(farPrefix.length)) : values.get(name),
  );
}

function pageOf(
  found: readonly FoundEdge[],
  first: number,
  scanned: number,
  truncated: boolean,
  looked: OccurrencePosition | null,
): Found {
  const edges = found.slice(0, first);
  if (found.length > first) return { edges, scanned, ended: 'PAGE', last: edges.at(-1)?.position ?? null };
  return { edges, scanned, ended: truncated ? 'SCAN' : 'ALL', last: looked };
}

function notRead(after: OccurrencePosition | null): Found {
  return { edges: [], scanned: 0, ended: 'BYTES', last: after };
}

/** Of the page what the query may still hold: the next page goes on behind that. */
function held(found: Found, after: OccurrencePosition | null, loader: StoreLoader): Found {
  const edges = found.edges.slice(0, loader.hold(found.edges));
  if (edges.length === found.edges.length) return found;
  return { ...found, edges, ended: 'BYTES', last: edges.at(-1)?.position ?? after };
}

function foundEdge(direction: 'out' | 'in', occurrence: OccurrenceView): FoundEdge {
  const { timeMs, occurrence: id, key, from, to, properties } = occurrence;
  const position = { timeMs, occurrence: id, far: direction === 'out' ? to : from, key };
  return { occurrence, position, values: new Map(properties), view: null };
}

function answer(
  plan: ConnectionPlan,
  { edges, scanned, ended, last }: Found,
  context: ApiContext,
): ConnectionAnswer {
  const [head] = edges;
  const end = ended === 'ALL' ? (edges.at(-1)?.position ?? last) : (last ?? plan.after);
  const endCursor = end === null ? null : writeEdgeCursor(end);
  if (ended === 'SCAN' && (plan.after === null ? end === null : endCursor === writeEdgeCursor(plan.after)))
    throw nothingToSee(scanned);
  return {
    edges,
    pageInfo: {
      hasNextPage: ended !== 'ALL',
      // Relay lets a forward page answer this cheaply: something lies before a page that starts after a cursor.
      hasPreviousPage: plan.after !== null,
      startCursor: () => (head === undefined ? null : writeEdgeCursor(head.position)),
      endCursor: () => endCursor,
    },
    completeness: {
      since: plan.query.sinceMs,
      complete: ended === 'ALL',
      truncatedBy: ended === 'ALL' ? null : ended,
      limit: limitOf(ended, plan.first, scanned),
      scanned,
      of: plan.query.of,
      edge: plan.query.type,
    },
    freshness: () => context.status.topics().map(({ topic, freshnessMs }) => ({ topic, freshnessMs })),
  };
}

/** Such a page would have no place to go on from: whoever follows its cursor would ask for it for ever. */
function nothingToSee(scanMax: number): GraphQLError {
  const message = `More than ${scanMax} rows of these edges had to be looked at to find one that you may see: narrow \`since\` and \`until\`.`;
  return tooLarge(message, scanMax);
}

function limitOf(ended: Found['ended'], first: number, scanned: number): number | null {
  switch (ended) {
    case 'ALL':
      return null;
    case 'PAGE':
      return first;
    case 'SCAN':
      return scanned;
    case 'BYTES':
      return bytesOfQueryMax;
    default:
      return unreachable(ended);
  }
}

/** What was stored while the edge type led elsewhere is no error of the caller, and no node of the type that the field has now. */
export function checkFarType(far: NodeRef, path: string, expected: string): void {
  if (far.type === expected) return;
  throw new GraphQLError(
    `${path} leads to ${expected} now, and this edge to a ${far.type}; see "nodeRef", and ask for it with "node".`,
    { extensions: { code: 'NODE_NOT_OF_TYPE' } },
  );
}
