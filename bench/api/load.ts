/** What the generator is asked for. */
export interface LoadOrder {
  readonly host: string;
  readonly port: number;
  /** A body is what stands before the account's id, the id, and what stands after it. */
  readonly body: readonly [string, string];
  /** Others that are asked in turns with it. */
  readonly more?: readonly (readonly [string, string])[];
  readonly accounts: number;
  readonly seed: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly connections: number;
  /** It gives up when so many requests are due and not answered. */
  readonly waitingMax: number;
}

export interface LoadReport {
  readonly sent: number;
  /** With status 200 and without errors. */
  readonly answered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Answers that are no 200 or carry errors, and requests that were not answered. */
  readonly errors: number;
  /** Of the errors, answers with status 503: the server had more than it takes. */
  readonly refused: number;
  /** What the first of them was. */
  readonly firstError: string | null;
  /** True when it gave up: then what was waiting counts with the time it had waited. */
  readonly gaveUp: boolean;
  /** How much later than intended a request was sent at most for the generator's own sake, at the 99th percentile. */
  readonly lateP99Ms: number;
  readonly bytesPerAnswer: number;
  /** CPU seconds that the generator used in a second. */
  readonly cores: number;
}
