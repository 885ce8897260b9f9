import { JourneyGraphClientError } from './client-error.ts';

export interface JourneyNodeRef {
  readonly type: string;
  readonly id: string;
}

export interface JourneyQuery {
  readonly of: JourneyNodeRef;
  readonly since?: string | Date;
  readonly until?: string | Date;
  readonly domains?: readonly string[];
  readonly order?: 'OLDEST_FIRST' | 'NEWEST_FIRST';
  /** A cursor of an earlier page. */
  readonly after?: string;
  /** Steps in a page; the server's default otherwise. */
  readonly pageSize?: number;
}

export interface JourneyStep {
  readonly cursor: string;
  /** Event time by RFC 3339. */
  readonly time: string;
  readonly domain: string;
  readonly action: string;
  readonly links: readonly {
    readonly edge: string;
    readonly direction: 'OUT' | 'IN';
    readonly node: JourneyNodeRef;
  }[];
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface JourneyPage {
  readonly steps: readonly JourneyStep[];
  /** Where the next page starts after; null when there was nothing. */
  readonly endCursor: string | null;
  readonly hasNextPage: boolean;
  readonly completeness: {
    readonly since: string;
    readonly complete: boolean;
    readonly truncatedBy: string | null;
    readonly limit: number | null;
    readonly scanned: number;
  };
  readonly freshness: readonly { readonly topic: string; readonly freshnessMs: number | null }[];
}

export const journeyDocument = `query Journey($of: NodeRefInput!, $since: DateTime, $until: DateTime, $domains: [String!], $order: JourneyOrder!, $first: Int, $after: String) {
  journey(of: $of, since: $since, until: $until, domains: $domains, order: $order, first: $first, after: $after) {
    edges { cursor node { time domain action links { edge direction node { type id } } properties } }
    pageInfo { hasNextPage endCursor }
    completeness { since complete truncatedBy limit scanned }
    freshness { topic freshnessMs } } }`;

export interface JourneyAnswer {
  readonly journey: Pick<JourneyPage, 'completeness' | 'freshness'> & {
    readonly edges: readonly { readonly cursor: string; readonly node: Omit<JourneyStep, 'cursor'> }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

/** Page after page until there is no next one. Nothing is asked for that is not awaited. */
export async function* journeyPages(
  journey: JourneyQuery,
  ask: (variables: Readonly<Record<string, unknown>>) => Promise<JourneyAnswer>,
): AsyncGenerator<JourneyPage, void, undefined> {
  const { of, since, until, domains, order = 'OLDEST_FIRST', pageSize } = journey;
  const range = { of, since: timeText(since), until: timeText(until), domains, order, first: pageSize };
  let after = journey.after ?? null;
  for (;;) {
    const { edges, pageInfo, completeness, freshness } = (await ask({ ...range, after })).journey;
    const steps = edges.map(({ cursor, node }) => ({ cursor, ...node }));
    const { hasNextPage, endCursor } = pageInfo;
    yield { steps, endCursor, hasNextPage, completeness, freshness };
    if (!hasNextPage) return;
    if (endCursor === null || endCursor === after) {
      throw new JourneyGraphClientError({
        code: 'BAD_RESPONSE',
        message: 'The next page starts where the last one did.',
      });
    }
    after = endCursor;
  }
}

function timeText(time: string | Date | undefined): string | undefined {
  return time instanceof Date ? time.toISOString() : time;
}
