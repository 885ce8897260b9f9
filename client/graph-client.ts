import { JourneyGraphClientError } from './client-error.ts';
import { documentOf, type Root } from './document.ts';
import {
  type JourneyAnswer,
  type JourneyPage,
  type JourneyQuery,
  type JourneyStep,
  journeyDocument,
  journeyPages,
} from './journey-pages.ts';
import { type ClientPorts, systemPorts } from './pause.ts';
import type { GraphShape, GraphTable, Known, Selected, Selection } from './selection.ts';
import { type RequestOptions, Transport } from './transport.ts';

export interface ClientOptions<G extends GraphShape> {
  /** The server's root, such as `http://127.0.0.1:4000`, or where GraphQL is behind a proxy. */
  readonly url: string | URL;
  /** `graph` of the module that `jg api types` printed; without it there is no `select` and no `mutate`. */
  readonly graph?: GraphTable<G>;
  /** A bearer token, or what gives one before each request. */
  readonly token?: string | (() => string | null | Promise<string | null>) | undefined;
  readonly fetch?: typeof fetch;
  /** Milliseconds that each try may take; 10,000 unless said. */
  readonly timeoutMs?: number;
  /** How often a query is sent again at most, when what went wrong may pass; 2 unless said. */
  readonly retries?: number;
  /** Time and dice, for tests. */
  readonly ports?: ClientPorts;
}

const timeoutMsDefault = 10_000;
const retriesDefault = 2;

/** Asks one server. Holds nothing open between requests; every method throws {@link JourneyGraphClientError}. */
export class GraphClient<G extends GraphShape> {
  readonly #transport: Transport;
  readonly #graph: GraphTable<G> | null;

  constructor(options: ClientOptions<G>) {
    const { token = null, timeoutMs = timeoutMsDefault, retries = retriesDefault } = options;
    this.#graph = options.graph ?? null;
    this.#transport = new Transport({
      url: endpointOf(options.url),
      token: typeof token === 'string' ? () => token : token,
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
      timeoutMs,
      retries,
      ports: options.ports ?? systemPorts,
    });
  }

  /** What a selection over the generated types answers, typed by it. */
  async select<const S extends Selection<G, 'Query'>>(
    selection: S & Known<G, 'Query', S>,
    options: RequestOptions = {},
  ): Promise<Selected<G, 'Query', S>> {
    return await this.#ask<Selected<G, 'Query', S>>('Query', selection, options);
  }

  /** The same of mutations, such as `freezeAudience`: run in the order of the selection, and never sent again by themselves. */
  async mutate<const S extends Selection<G, 'Mutation'>>(
    selection: S & Known<G, 'Mutation', S>,
    options: RequestOptions = {},
  ): Promise<Selected<G, 'Mutation', S>> {
    return await this.#ask<Selected<G, 'Mutation', S>>('Mutation', selection, options);
  }

  /** Any GraphQL document; its answer is taken to be of the type that you say. */
  async query<T = unknown>(
    document: string,
    variables: Readonly<Record<string, unknown>> = {},
    options: RequestOptions = {},
  ): Promise<T> {
    return await this.#transport.send<T>({ query: document, variables }, options);
  }

  async #ask<T>(root: Root, selection: object, options: RequestOptions): Promise<T> {
    if (this.#graph === null) {
      const message = `${root === 'Query' ? 'select' : 'mutate'}() needs \`graph\` of the module that \`jg api types\` prints: pass it to createClient.`;
      throw new JourneyGraphClientError({ code: 'BAD_SELECTION', message });
    }
    const { text, variables } = documentOf(this.#graph, selection, root);
    return await this.query<T>(text, variables, options);
  }

  /** The steps of a journey, page after page as they are awaited. */
  async *journey(
    journey: JourneyQuery,
    options: RequestOptions = {},
  ): AsyncGenerator<JourneyStep, void, undefined> {
    for await (const { steps } of this.journeyPages(journey, options)) yield* steps;
  }

  /** The same by pages, with what each says it left out and how fresh it is. */
  journeyPages(
    journey: JourneyQuery,
    options: RequestOptions = {},
  ): AsyncGenerator<JourneyPage, void, undefined> {
    return journeyPages(journey, (variables) =>
      this.query<JourneyAnswer>(journeyDocument, variables, options),
    );
  }
}

export function createClient<G extends GraphShape = GraphShape>(options: ClientOptions<G>): GraphClient<G> {
  return new GraphClient(options);
}

function endpointOf(text: string | URL): URL {
  // Not URL.parse: the oldest Node and browsers that are served lack it.
  try {
    const url = new URL(text);
    if (/^https?:$/.test(url.protocol)) return url.pathname === '/' ? new URL('/graphql', url) : url;
  } catch {
    // The same as an address of another kind.
  }
  const message = '`url` takes the address of a server, such as http://127.0.0.1:4000.';
  throw new JourneyGraphClientError({ code: 'BAD_URL', message });
}
