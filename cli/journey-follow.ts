import { JourneyGraphClientError, type JourneyStepMessage, journeySteps } from '../client/index.ts';
import { OutageError, RefusedError } from '../foundation/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from './command-io.ts';
import {
  askGraphql,
  endpointUrl,
  type GraphqlEndpoint,
  unreachableServer,
  wantsToken,
} from './graphql-client.ts';
import { field, renderStep } from './journey-text.ts';

/** Steps that are printed before the first new one, where no other number is asked for. */
const shownFirst = 10;

const query = `query Before($of: NodeRefInput!, $since: DateTime, $domains: [String!], $first: Int, $order: JourneyOrder, $after: String) {
  journey(of: $of, since: $since, domains: $domains, first: $first, order: $order, after: $after) {
    edges { cursor node { time domain action links { edge direction node { type id } } properties } }
    pageInfo { hasNextPage endCursor }
  }
}`;

export interface Followed {
  readonly of: { readonly type: string; readonly id: string };
  /** From here on; otherwise the newest few and what comes then. */
  readonly since: string | undefined;
  readonly domains: readonly string[] | undefined;
  readonly first: number | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Prints steps as they are applied, a line each, until the signal aborts. Breaks are mended without a word; what may be missing is said. */
export async function followJourney(
  followed: Followed,
  endpoint: GraphqlEndpoint,
  io: CommandIo,
): Promise<ExitCode> {
  const { of, domains, json } = followed;
  const print = (step: unknown): void =>
    io.out(json ? `${printableLines(JSON.stringify(step))}\n` : `${renderStep(step)}\n`);
  let after = await printBefore(followed, endpoint, io.signal, print);
  if (after === null) {
    // Nothing to go on behind, and what was applied since that answer would never come: once a subscription is in place, ask again.
    const begun = await beginning(of, endpoint, io);
    after = (await printBefore(followed, endpoint, io.signal, print)) ?? begun;
  }
  const note = (text: string): void => void (followed.quiet || io.err(`${text}\n`));
  let isFirst = true;
  for await (const message of messages(of, after, endpoint, io)) {
    const { step, reason } = message;
    if (step !== null) {
      if (domains === undefined || domains.includes(step.domain)) print(step);
    } else if (isFirst) note(`Following ${printable(`${of.type}:${of.id}`)}; Ctrl-C ends it.`);
    else if (message.recovered === false)
      note(`Went on after a break; steps that came late may be missing (${printable(String(reason))}).`);
    isFirst = false;
  }
  return exitCodes.ok;
}

/** Prints the newest few, or all from a time on; answers the place behind them, null where nothing was there. */
async function printBefore(
  { of, since, domains, first }: Followed,
  endpoint: GraphqlEndpoint,
  signal: AbortSignal,
  print: (step: unknown) => void,
): Promise<string | null> {
  if (since === undefined) {
    const newest = { of, domains, first: first ?? shownFirst, order: 'NEWEST_FIRST' };
    const { edges } = await askPage(endpoint, newest);
    for (const edge of edges.toReversed()) print(field(edge, 'node'));
    return textOf(field(edges[0], 'cursor'));
  }
  // To the end: a subscription goes back no further than the server's lookback.
  for (let after: string | null = null; ; ) {
    const page: Page = await askPage(endpoint, { of, since, domains, first, order: 'OLDEST_FIRST', after });
    for (const edge of page.edges) print(field(edge, 'node'));
    const place: string | null = page.endCursor ?? after;
    if (!page.hasNextPage || signal.aborted) return place;
    if (place === after)
      throw unreachableServer(endpointUrl(endpoint.url, '/graphql'), 'turns no page of a journey', undefined);
    after = place;
  }
}

interface Page {
  readonly edges: readonly unknown[];
  readonly hasNextPage: boolean;
  /** Also of a page without steps, as far as was looked. */
  readonly endCursor: string | null;
}

async function askPage(
  endpoint: GraphqlEndpoint,
  variables: Readonly<Record<string, unknown>>,
): Promise<Page> {
  const answer = await askGraphql(endpoint, query, variables);
  const journey = field(answer.data, 'journey');
  const edges = field(journey, 'edges');
  if (!Array.isArray(edges)) {
    const [error] = answer.errors ?? [];
    throw new RefusedError(
      String(error?.extensions?.code ?? 'UNKNOWN'),
      error?.message ?? 'There is no answer.',
    );
  }
  const pageInfo = field(journey, 'pageInfo');
  const hasNextPage = field(pageInfo, 'hasNextPage') === true;
  return { edges, hasNextPage, endCursor: textOf(field(pageInfo, 'endCursor')) };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Whatever is applied from then on comes behind this cursor; null when the signal aborted before. */
async function beginning(
  of: Followed['of'],
  endpoint: GraphqlEndpoint,
  io: CommandIo,
): Promise<string | null> {
  const begun = messages(of, null, endpoint, io);
  const { value, done } = await begun.next();
  await begun.return();
  return done === true ? null : value.cursor;
}

async function* messages(
  of: Followed['of'],
  after: string | null,
  { url, token }: GraphqlEndpoint,
  io: CommandIo,
): AsyncGenerator<JourneyStepMessage, void, undefined> {
  try {
    yield* journeySteps(of, {
      url,
      signal: io.signal,
      ports: { sleep: (delayMs, signal) => io.clock.sleep(delayMs, signal), random: io.random },
      ...(token === null ? {} : { token }),
      ...(after === null ? {} : { after }),
    });
  } catch (error) {
    if (!(error instanceof JourneyGraphClientError)) throw error;
    if (error.code === 'UNAUTHENTICATED') throw wantsToken(endpointUrl(url, '/graphql'));
    if (error.retryable) throw new OutageError(error.code, error.message, { cause: error });
    throw new RefusedError(error.code, error.message, { cause: error });
  }
}
