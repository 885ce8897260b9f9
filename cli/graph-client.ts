import type { CompareEvent } from '../graph-store/index.ts';
import type { ListedGraph, Switched } from '../query-api/index.ts';
import type { GraphqlEndpoint } from './graphql-client.ts';
import { OperatorClient } from './operator-client.ts';

/** The graphs of a running server, over HTTP. `signal` ends every request. */
export class GraphClient {
  readonly #client: OperatorClient;

  constructor(endpoint: GraphqlEndpoint, signal: AbortSignal) {
    this.#client = new OperatorClient(endpoint, signal);
  }

  async list(): Promise<readonly ListedGraph[]> {
    const answer: { graphs: readonly ListedGraph[] } = JSON.parse(await this.#client.text('/graphs/list'));
    return answer.graphs;
  }

  async *compare(other: string, differencesMax: number): AsyncGenerator<CompareEvent> {
    const path = `/graphs/compare?${new URLSearchParams({ with: other, limit: String(differencesMax) })}`;
    for await (const line of this.#client.lines(path)) {
      const event: CompareEvent = JSON.parse(line);
      yield event;
      if (event.kind === 'verdict') return;
    }
    throw this.#client.cutOff(path);
  }

  async switchTo(name: string, behindMax: bigint): Promise<Switched> {
    return await this.#post(`switch?${new URLSearchParams({ to: name, behind: String(behindMax) })}`);
  }

  async back(behindMax: bigint): Promise<Switched> {
    return await this.#post(`back?${new URLSearchParams({ behind: String(behindMax) })}`);
  }

  async drop(name: string): Promise<void> {
    await this.#client.text(`/graphs/drop?${new URLSearchParams({ name })}`, 'POST');
  }

  async #post(path: string): Promise<Switched> {
    const answer: Switched = JSON.parse(await this.#client.text(`/graphs/${path}`, 'POST'));
    return answer;
  }
}
