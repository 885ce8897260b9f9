import type { StoreStats, VerifyEvent } from '../graph-store/index.ts';
import type { TableRequest } from '../query-api/index.ts';
import type { GraphqlEndpoint } from './graphql-client.ts';
import { OperatorClient } from './operator-client.ts';

/** The store of a running server, over HTTP. `signal` ends every request. */
export class StoreClient {
  readonly #client: OperatorClient;

  constructor(endpoint: GraphqlEndpoint, signal: AbortSignal) {
    this.#client = new OperatorClient(endpoint, signal);
  }

  /** The bytes of a snapshot file, as they come. */
  snapshot(): Promise<AsyncIterable<Uint8Array>> {
    return this.#client.bytes('/store/snapshot');
  }

  /** The bytes of a table's file, as they come. */
  table({ table, format, undeclared }: TableRequest): Promise<AsyncIterable<Uint8Array>> {
    const query = new URLSearchParams({ table: table.kind, format, undeclared: String(undeclared) });
    if (table.kind !== 'steps') query.set('type', table.type);
    return this.#client.bytes(`/store/export?${query}`);
  }

  /** The same of an audience's members. */
  members(id: string, mime: string): Promise<AsyncIterable<Uint8Array>> {
    return this.#client.bytes(`/audiences/${encodeURIComponent(id)}/members`, 'GET', null, mime);
  }

  async *verify(): AsyncGenerator<VerifyEvent> {
    const path = '/store/verify';
    for await (const line of this.#client.lines(path)) {
      const event: VerifyEvent = JSON.parse(line);
      yield event;
      if (event.kind === 'verdict') return;
    }
    throw this.#client.cutOff(path);
  }

  async stats(exact: boolean): Promise<StoreStats> {
    const stats: StoreStats = JSON.parse(
      await this.#client.text(`/store/stats${exact ? '?exact=true' : ''}`),
    );
    return stats;
  }
}
