/** A gateway has sockets of an event. */
export interface Subscription {
  readonly event: string;
  readonly gateway: string;
  /** Where it dialed from, for people. */
  readonly address: string;
  readonly sinceMs: number;
}

/** One row as it shall be; null: there is none any more. */
export interface SubscriptionChange {
  readonly event: string;
  readonly gateway: string;
  readonly subscription: Subscription | null;
}

/** Which gateways have subscribers of which events, for the router that comes next. Called by one router, one call at a time. */
export interface SubscriptionTable {
  /** All rows. Throws OutageError while it cannot be reached. */
  load(): Promise<readonly Subscription[]>;
  /** Durable when it resolves; applied in order. Throws OutageError; then some may have been applied. */
  write(changes: readonly SubscriptionChange[]): Promise<void>;
  close(): Promise<void>;
}

export function subscriptionKey({
  event,
  gateway,
}: {
  readonly event: string;
  readonly gateway: string;
}): string {
  return `${event}/${gateway}`;
}

/** For a router that is alone, and for tests: it lasts as long as the process. */
export class MemorySubscriptionTable implements SubscriptionTable {
  readonly #rows = new Map<string, Subscription>();

  async load(): Promise<readonly Subscription[]> {
    return [...this.#rows.values()];
  }

  async write(changes: readonly SubscriptionChange[]): Promise<void> {
    for (const change of changes) {
      const key = subscriptionKey(change);
      if (change.subscription === null) this.#rows.delete(key);
      else this.#rows.set(key, change.subscription);
    }
  }

  async close(): Promise<void> {
    // Nothing is held.
  }
}
