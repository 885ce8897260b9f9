import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { JourneyGraphError } from '../foundation/index.ts';

/** The caller's argument is wrong: says which one and what it takes. */
export function badInput(argument: string, takes: string): GraphQLError {
  return new GraphQLError(`Argument "${argument}" takes ${takes}.`, {
    extensions: { code: 'BAD_USER_INPUT', argument, takes },
  });
}

/** The query costs more than one query may. */
export function tooLarge(message: string, limit: number): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'QUERY_TOO_LARGE', limit } });
}

export function isTooLarge(error: unknown): boolean {
  return error instanceof GraphQLError && error.extensions.code === 'QUERY_TOO_LARGE';
}

/** Without what graphql-js guesses that was meant, which names what the schema has. */
export function withoutSuggestion(message: string): string {
  return message.replace(/ ?Did you mean .+\?$/s, '');
}

export interface PublicError {
  readonly code: string;
  readonly message: string;
}

/**
 * What a caller may learn of an error that was not made for them; null when it was. Only a GraphQLError that carries a code
 * was: any other is a bug or an outage of ours, whatever its text says.
 */
export function maskedError(error: unknown): PublicError | null {
  const original = error instanceof GraphQLError ? (error.originalError ?? error) : error;
  if (original instanceof GraphQLError) return error instanceof GraphQLError ? uncoded(error) : null;
  if (original instanceof JourneyGraphError && original.reaction === 'outage') {
    return { code: 'STORE_UNAVAILABLE', message: 'The graph store does not answer now; try again shortly.' };
  }
  if (original instanceof JourneyGraphError && original.reaction === 'refused') {
    return { code: 'BAD_USER_INPUT', message: original.message };
  }
  return internal;
}

const internal: PublicError = {
  code: 'INTERNAL_SERVER_ERROR',
  message: 'Something failed on our side; the log has it under the request id.',
};

/** Without a path no resolver ran: then it is about the variables. With one, an answer of ours did not fit the schema. */
function uncoded(error: GraphQLError): PublicError | null {
  if (error.extensions.code !== undefined) return null;
  return error.path === undefined ? { code: 'BAD_USER_INPUT', message: error.message } : internal;
}

const messageLengthMax = 500;

/** The error as it leaves: masked, its own code instead of the one for its phase, and no longer than a message should be. */
export function publicError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const masked = maskedError(error);
  const message = masked?.message ?? formatted.message;
  const extensions = { ...formatted.extensions };
  const original = error instanceof GraphQLError ? error.originalError : undefined;
  const ownCode = original instanceof GraphQLError ? original.extensions.code : undefined;
  if (ownCode !== undefined) extensions.code = ownCode;
  const { requestId } = extensions;
  return {
    ...formatted,
    // graphql-js quotes the value at fault, however long.
    message: message.length > messageLengthMax ? `${message.slice(0, messageLengthMax)}…` : message,
    extensions: masked === null ? extensions : { code: masked.code, requestId },
  };
}
