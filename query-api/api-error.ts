import { GraphQLError } from 'graphql';
import { JourneyGraphError } from '../foundation/index.ts';

/** The caller's argument is wrong: says which one and what it takes. */
export function badInput(argument: string, takes: string): GraphQLError {
  return new GraphQLError(`Argument "${argument}" takes ${takes}.`, {
    extensions: { code: 'BAD_USER_INPUT', argument, takes },
  });
}

export interface PublicError {
  readonly code: string;
  readonly message: string;
}

/** What a caller may learn of an error that is not theirs; null when the error was made for the caller. */
export function maskedError(error: unknown): PublicError | null {
  const original = error instanceof GraphQLError ? (error.originalError ?? null) : error;
  if (original === null || original instanceof GraphQLError) return null;
  if (original instanceof JourneyGraphError && original.reaction === 'outage') {
    return { code: 'STORE_UNAVAILABLE', message: 'The graph store does not answer now; try again shortly.' };
  }
  if (
    original instanceof JourneyGraphError &&
    (original.reaction === 'refused' || original.reaction === 'bad-data')
  ) {
    return { code: 'BAD_USER_INPUT', message: original.message };
  }
  return {
    code: 'INTERNAL_SERVER_ERROR',
    message: 'Something failed on our side; the log has it under the request id.',
  };
}
