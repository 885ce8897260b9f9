import { JourneyGraphClientError, type JourneyStepMessage, journeySteps } from '../client/index.ts';
import { OutageError, RefusedError } from '../foundation/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from './command-io.ts';
import { askGraphql, endpointUrl, type GraphqlEndpoint, wantsToken } from './graphql-client.ts';
import { field, renderStep } from './journey-text.ts';

/** Steps that are printed before the first new one, where no other number is asked for. */
const shownFirst = 10;

const query = `query Before($of: NodeRefInput!, $since: DateTime, $domains: [String!], $first: Int, $order: JourneyOrder) {
  journey(of: $of, since: $since, domains: $domains, first: $first, order: $order) {
    edges { cursor node { time domain action links { edge direction node { type id } } properties } }
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
  const { of, since, domains, json } = followed;
  const order = since === undefined ? 'NEWEST_FIRST' : 'OLDEST_FIRST';
  const first = followed.first ?? (since === undefined ? shownFirst : undefined);
  const answer = await askGraphql(endpoint, query, { of, since, domains, first, order });
  const edges = field(field(answer.data, 'journey'), 'edges');
  if (!Array.isArray(edges)) {
    const [error] = answer.errors ?? [];
    throw new RefusedError(
      String(error?.extensions?.code ?? 'UNKNOWN'),
      error?.message ?? 'There is no answer.',
    );
  }
  const oldestFirst: readonly unknown[] = since === undefined ? edges.toReversed() : edges;
  const print = (step: unknown): void =>
    io.out(json ? `${printableLines(JSON.stringify(step))}\n` : `${renderStep(step)}\n`);
  for (const edge of oldestFirst) print(field(edge, 'node'));
  const cursor = field(oldestFirst.at(-1), 'cursor');
  const note = (text: string): void => void (followed.quiet || io.err(`${text}\n`));
  let isFirst = true;
  for await (const message of messages(of, typeof cursor === 'string' ? cursor : null, endpoint, io)) {
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
