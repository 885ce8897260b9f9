import type { Property } from '../graph-store/index.ts';
import { compareRegisters, compareSteps, type ShownStep } from './main-job-comparison.ts';
import type { ExpectedJourney, ExpectedNode, Oracle } from './main-job-oracle.ts';

const sampleEvery = 40;
const pageSteps = 100;
const pagesMax = 1_000;
const longAgo = '1970-01-01T00:00:00Z';

interface Journey {
  readonly edges: readonly {
    readonly node: {
      readonly time: string;
      readonly domain: string;
      readonly action: string;
      readonly links: readonly {
        readonly edge: string;
        readonly direction: 'OUT' | 'IN';
        readonly node: { readonly type: string; readonly id: string };
      }[];
      readonly properties: Readonly<Record<string, Property[1]>>;
    };
  }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

interface Node {
  readonly properties: Readonly<Record<string, Property[1]>>;
}

interface TopicStatus {
  readonly topic: string;
  readonly epoch: number | null;
  readonly lag: number | null;
  readonly consumed: number;
  readonly applied: number;
  readonly superseded: number;
  readonly filtered: number;
  readonly deadLettered: number;
}

/** Where what clients are answered differs from the oracle, for every fortieth member and node; empty when it does not. */
export async function compareAnswers(url: string, oracle: Oracle): Promise<readonly string[]> {
  const differences: (string | null)[] = [];
  for (const expected of everyFortieth(oracle.journeys))
    differences.push(await compareJourney(url, expected));
  for (const expected of everyFortieth(oracle.nodes)) differences.push(await compareNode(url, expected));
  for (const status of await askStatus(url)) {
    const { consumed, applied, superseded, filtered, deadLettered, lag } = status;
    const sum = applied + superseded + filtered + deadLettered;
    if (consumed !== sum || lag !== 0) {
      differences.push(`${status.topic} consumed ${consumed}, tells the fate of ${sum}, lags by ${lag}`);
    }
  }
  return differences.filter((difference) => difference !== null);
}

function everyFortieth<T>(items: readonly T[]): readonly T[] {
  return items.filter((_, index) => index % sampleEvery === 0);
}

/** One row a partition that was ever claimed. */
export async function askStatus(url: string): Promise<readonly TopicStatus[]> {
  const query = '{ status { topics { topic epoch lag consumed applied superseded filtered deadLettered } } }';
  const { status } = await ask<{ readonly status: { readonly topics: readonly TopicStatus[] } }>(
    url,
    query,
    {},
  );
  return status.topics;
}

async function compareJourney(url: string, expected: ExpectedJourney): Promise<string | null> {
  const { type, id } = expected;
  const found: ShownStep[] = [];
  let after: string | null = null;
  for (let page = 0; page < pagesMax; page++) {
    const journey: Journey = await askJourney(url, { of: { type, id }, after });
    found.push(...journey.edges.map(({ node }) => shownStep(node)));
    if (!journey.pageInfo.hasNextPage) return compareSteps(expected, found);
    after = journey.pageInfo.endCursor;
  }
  return `The journey of ${type} ${id} has more than ${pagesMax} pages`;
}

async function askJourney(
  url: string,
  { of, after }: { readonly of: { type: string; id: string }; readonly after: string | null },
): Promise<Journey> {
  const query = `query ($of: NodeRefInput!, $after: String) {
    journey(of: $of, since: "${longAgo}", first: ${pageSteps}, after: $after) {
      edges { node { time domain action properties links { edge direction node { type id } } } }
      pageInfo { hasNextPage endCursor }
    }
  }`;
  return (await ask<{ readonly journey: Journey }>(url, query, { of, after })).journey;
}

function shownStep({ time, domain, action, links, properties }: Journey['edges'][number]['node']): ShownStep {
  return {
    timeMs: Date.parse(time),
    domain,
    action,
    links: links.map(({ edge, direction, node }) => ({
      edge,
      direction: direction === 'OUT' ? 'out' : 'in',
      node,
    })),
    properties: Object.entries(properties),
  };
}

async function compareNode(url: string, expected: ExpectedNode): Promise<string | null> {
  const { type, id } = expected;
  const query = 'query ($type: String!, $id: ID!) { node(type: $type, id: $id) { properties } }';
  const { node } = await ask<{ readonly node: Node | null }>(url, query, { type, id });
  return compareRegisters(expected, node === null ? null : Object.entries(node.properties));
}

/** Its shape is what the schema promises; a wrong one shows as a difference. */
async function ask<T>(url: string, query: string, variables: Readonly<Record<string, unknown>>): Promise<T> {
  const response = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const answer: { readonly data: T; readonly errors?: unknown } = JSON.parse(await response.text());
  if (answer.errors !== undefined) throw new Error(`GraphQL: ${JSON.stringify(answer.errors)}`);
  return answer.data;
}
