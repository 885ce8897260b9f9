/** One entry of `errors` in an answer. */
export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** The client's own codes; the server's are in docs/api.md. */
export type ClientCode = 'UNREACHABLE' | 'TIMEOUT' | 'ABORTED' | 'BAD_RESPONSE' | 'BAD_SELECTION';

/** Codes of failures that may have passed when the same query is asked again. */
export const retryableCodes: ReadonlySet<string> = new Set(['UNREACHABLE', 'TIMEOUT', 'STORE_UNAVAILABLE']);

export interface ClientErrorParts {
  readonly code: string;
  readonly message: string;
  readonly requestId?: string | null;
  readonly status?: number | null;
  readonly errors?: readonly GraphqlError[];
  readonly data?: unknown;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number | null;
  readonly cause?: unknown;
}

/** Whatever went wrong with a request. */
export class JourneyGraphClientError extends Error {
  override readonly name = 'JourneyGraphClientError';
  /** Stable: of the server, or one of {@link ClientCode}. */
  readonly code: string;
  /** Under which the server's log has it; null when the server did not say. */
  readonly requestId: string | null;
  /** Of HTTP; null when there was no answer. */
  readonly status: number | null;
  /** All errors of the answer; empty when it was none. */
  readonly errors: readonly GraphqlError[];
  /** What was answered beside the errors, if anything. */
  readonly data: unknown;
  /** Whether the same query may do better later. */
  readonly retryable: boolean;
  /** How long the server wants to be left alone; null when it did not say. */
  readonly retryAfterMs: number | null;

  constructor(parts: ClientErrorParts) {
    super(parts.message, parts.cause === undefined ? {} : { cause: parts.cause });
    this.code = parts.code;
    this.requestId = parts.requestId ?? null;
    this.status = parts.status ?? null;
    this.errors = parts.errors ?? [];
    this.data = parts.data ?? null;
    this.retryable = parts.retryable ?? retryableCodes.has(parts.code);
    this.retryAfterMs = parts.retryAfterMs ?? null;
  }
}
