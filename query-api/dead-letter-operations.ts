/** What an operator does with the dead letters of a running server; composition implements it. Answers are JSON as clients get it. */
export interface DeadLetterOperations {
  list(request: DeadLetterListRequest, signal: AbortSignal): Promise<object>;
  show(request: DeadLetterShowRequest, signal: AbortSignal): Promise<object>;
  /** Events, the last word last. Throws in between as stores, registries and brokers do. */
  retry(request: DeadLetterRetryRequest, signal: AbortSignal): AsyncIterable<object>;
}

export interface DeadLetterListRequest {
  /** Null for all that the server reads. */
  readonly topic: string | null;
  readonly reason: string | null;
  readonly sinceMs: number | null;
  /** Letters named one by one, the newest first. */
  readonly newest: number;
}

export interface DeadLetterShowRequest {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly withValue: boolean;
}

export interface DeadLetterRetryRequest {
  readonly topic: string | null;
  /** Letters looked at in each partition. */
  readonly limit: number;
  readonly dryRun: boolean;
}

/** What a command line and a request may ask for at most. */
export const deadLetterBounds = { newestMax: 1_000, limitMax: 1_000_000, limitDefault: 100_000 } as const;
