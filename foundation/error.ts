/** Where in the input an error arose. Only identifiers and numbers: never a payload value, never a secret. */
export interface ErrorContext {
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: bigint;
  readonly subject?: string;
  /** Of the subject. */
  readonly version?: number;
  readonly schemaId?: number;
  /** Path of a field inside an event or a schema, such as `device.kind`. */
  readonly path?: string;
  /** `file:line:column` of the text at fault. */
  readonly at?: string;
  readonly setting?: string;
}

/**
 * What the caller has to do about an error. Each {@link JourneyGraphError} carries one:
 * - `bad-data`: this record can never be applied: write it to the dead letters and go on;
 * - `outage`: something outside is down: pause with backoff and try the same thing again;
 * - `stop`: a person has to act (configuration, another format version, a gap in the log): stop this
 *   pipeline by name and say so; nothing else stops;
 * - `fenced`: another owner took the partition over: give it up, claim it anew if it is still ours;
 * - `refused`: the caller's request is wrong: tell the caller, change nothing.
 */
export type Reaction = 'bad-data' | 'outage' | 'stop' | 'fenced' | 'refused';

export interface ErrorOptions {
  readonly cause?: unknown;
  readonly context?: ErrorContext;
}

/** The one base of every error this product throws on purpose. A bug is an `AssertionError` instead. */
export class JourneyGraphError extends Error {
  /** Stable, upper snake case, documented in docs/errors.md. */
  readonly code: string;
  readonly reaction: Reaction;
  readonly context: ErrorContext;

  constructor(code: string, reaction: Reaction, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'JourneyGraphError';
    this.code = code;
    this.reaction = reaction;
    this.context = options.context ?? {};
  }

  /** True when the same attempt may succeed later without anybody changing anything. */
  get retryable(): boolean {
    return this.reaction === 'outage';
  }
}

/** A record, event or identifier that can never be applied. */
export class BadDataError extends JourneyGraphError {
  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(code, 'bad-data', message, options);
    this.name = 'BadDataError';
  }
}

/** Something outside this process (broker, registry, store, disk) does not answer or cannot take more now. */
export class OutageError extends JourneyGraphError {
  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(code, 'outage', message, options);
    this.name = 'OutageError';
  }
}

/** Going on would lose or corrupt data, or cannot succeed: a person has to act first. */
export class StopError extends JourneyGraphError {
  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(code, 'stop', message, options);
    this.name = 'StopError';
  }
}

/** The writer's epoch is not the partition's current one: somebody else owns it now. */
export class FencedError extends JourneyGraphError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('FENCED', 'fenced', message, options);
    this.name = 'FencedError';
  }
}

/** The caller's request is wrong (an argument, a setting, a schema): nothing was changed. */
export class RefusedError extends JourneyGraphError {
  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(code, 'refused', message, options);
    this.name = 'RefusedError';
  }
}
