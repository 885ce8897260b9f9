import { OutageError } from '../foundation/index.ts';
import type { LetterList, RetryEvent, ShownLetter } from '../ingest/index.ts';
import type { DeadLetterOperations } from '../query-api/index.ts';
import type { GraphqlEndpoint } from './graphql-client.ts';
import { OperatorClient } from './operator-client.ts';

type Failed = { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** The dead letters of a running server, over HTTP. `signal` ends every request. */
export class DeadLetterClient {
  readonly #client: OperatorClient;

  constructor(endpoint: GraphqlEndpoint, signal: AbortSignal) {
    this.#client = new OperatorClient(endpoint, signal);
  }

  async list({
    topic,
    reason,
    sinceMs,
    newest,
  }: Parameters<DeadLetterOperations['list']>[0]): Promise<LetterList> {
    const words = wordsOf({ topic, reason, since: sinceMs, newest });
    const list: LetterList = JSON.parse(await this.#client.text(`/dead-letters/list?${words}`));
    return list;
  }

  async show({
    topic,
    partition,
    offset,
    withValue,
  }: Parameters<DeadLetterOperations['show']>[0]): Promise<ShownLetter> {
    const words = wordsOf({ topic, partition, offset, value: withValue });
    const letter: ShownLetter = JSON.parse(await this.#client.text(`/dead-letters/letter?${words}`));
    return letter;
  }

  async *retry({
    topic,
    limit,
    dryRun,
  }: Parameters<DeadLetterOperations['retry']>[0]): AsyncGenerator<RetryEvent> {
    const path = `/dead-letters/retry?${wordsOf({ topic, limit, dryRun })}`;
    let last: RetryEvent['kind'] = 'progress';
    for await (const line of this.#client.lines(path, 'POST')) {
      const event: RetryEvent | Failed = JSON.parse(line);
      if (event.kind === 'failed')
        throw new OutageError('SERVER_REFUSED', `The retry failed (${event.code}): ${event.message}`);
      last = event.kind;
      yield event;
    }
    if (last !== (dryRun ? 'trial' : 'applied')) throw this.#client.cutOff(path);
  }
}

function wordsOf(words: Readonly<Record<string, string | number | bigint | boolean | null>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(words)) if (value !== null) search.set(name, String(value));
  return String(search);
}
