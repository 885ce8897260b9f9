import type { JourneyQuery, NodeRef, Property, StepView } from '../graph-store/index.ts';
import { readCursor, writeCursor } from './cursor.ts';
import type { GraphqlResponse } from './graphql-engine.ts';
import { openEndMs } from './open-end.ts';
import type { AboutTable } from './page-encoder.ts';

export const journeyPath = '/journey';

/** Asked as any client would ask it, so that every rule about who may read what, and how much, holds here too. */
const journeyQuery = `query JourneyTable($of: NodeRefInput!, $since: DateTime, $until: DateTime, $domains: [String!], $edgeTypes: [String!], $first: Int, $after: String, $order: JourneyOrder!) {
  journey(of: $of, since: $since, until: $until, domains: $domains, edgeTypes: $edgeTypes, first: $first, after: $after, order: $order) {
    edges { cursor node { domain action owner { type id } links { edge direction node { type id } } properties lineage { topic partition offset } } }
    pageInfo { hasNextPage endCursor }
    completeness { since complete truncatedBy limit scanned }
    freshness { topic freshnessMs }
  }
}`;

/** The body of the question that the parameters of `/journey` ask; what is wrong with them, the answer says. */
export function journeyQuestion(query: URLSearchParams): unknown {
  const first = query.get('first');
  const variables = {
    of: { type: query.get('type') ?? '', id: query.get('id') ?? '' },
    since: query.get('since'),
    until: query.get('until'),
    domains: listOf(query, 'domain'),
    edgeTypes: listOf(query, 'edgeType'),
    first: first === null ? null : Number(first),
    after: query.get('after'),
    order: query.get('order') ?? 'OLDEST_FIRST',
  };
  return { query: journeyQuery, operationName: 'JourneyTable', variables };
}

/** Where a page is given as a table; the times are those that it was asked for with, or what followed from them. */
export function journeyTablePath({
  of,
  sinceMs,
  untilMs,
  domains,
  edgeTypes,
  order,
  after,
  limit,
}: JourneyQuery): string {
  const query = new URLSearchParams({ type: of.type, id: of.id, since: new Date(sinceMs).toISOString() });
  if (untilMs !== openEndMs) query.set('until', new Date(untilMs).toISOString());
  for (const domain of domains ?? []) query.append('domain', domain);
  for (const type of edgeTypes ?? []) query.append('edgeType', type);
  query.set('first', String(limit));
  if (after !== null) query.set('after', writeCursor(after));
  query.set('order', order === 'oldest-first' ? 'OLDEST_FIRST' : 'NEWEST_FIRST');
  return `${journeyPath}?${query}`;
}

function listOf(query: URLSearchParams, name: string): readonly string[] | null {
  const all = query.getAll(name);
  return all.length === 0 ? null : all;
}

export interface JourneyTable {
  readonly steps: readonly StepView[];
  readonly about: AboutTable;
}

/** Null when the answer holds errors, which are told as they are. */
export function journeyTableOf(answer: GraphqlResponse): JourneyTable | null {
  const { data, errors }: JourneyAnswerJson = JSON.parse(answer.body);
  if (answer.status !== 200 || errors !== undefined || data == null) return null;
  const { edges, ...page } = data.journey;
  return { steps: edges.map(stepOf), about: { 'journey_graph.page': JSON.stringify(page) } };
}

/** As `journeyQuery` is answered. */
interface JourneyAnswerJson {
  readonly errors?: unknown;
  readonly data?: {
    readonly journey: {
      readonly edges: readonly StepJson[];
      readonly pageInfo: unknown;
      readonly completeness: unknown;
      readonly freshness: unknown;
    };
  } | null;
}

interface StepJson {
  readonly cursor: string;
  readonly node: {
    readonly domain: string;
    readonly action: string;
    readonly owner: NodeRef;
    readonly links: readonly {
      readonly edge: string;
      readonly direction: 'IN' | 'OUT';
      readonly node: NodeRef;
    }[];
    readonly properties: Readonly<Record<string, Property[1]>>;
    readonly lineage: {
      readonly topic: string;
      readonly partition: number;
      readonly offset: number | string;
    } | null;
  };
}

function stepOf({ cursor, node }: StepJson): StepView {
  const { domain, action, owner, links, properties, lineage } = node;
  return {
    owner,
    // Names the step's key.
    ...readCursor('cursor', cursor),
    domain,
    action,
    links: links.map((link) => ({ ...link, direction: link.direction === 'OUT' ? 'out' : 'in' })),
    properties: Object.entries(properties),
    lineage: lineage === null ? null : lineageOf(lineage),
  };
}

/** What is not asked for is left unsaid. */
function lineageOf({
  topic,
  partition,
  offset,
}: NonNullable<StepJson['node']['lineage']>): NonNullable<StepView['lineage']> {
  return { topic, partition, offset: BigInt(offset), schemaId: -1, mapping: { subject: '', version: 0 } };
}
