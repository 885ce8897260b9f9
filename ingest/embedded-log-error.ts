import { JourneyGraphError, OutageError, RefusedError, StopError } from '../foundation/index.ts';

/** Where in the log something happened. */
export interface LogPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export function damaged(context: LogPlace, cause?: unknown): StopError {
  return new StopError(
    'LOG_CORRUPT',
    `The log is damaged at partition ${context.partition} of topic ${context.topic}, offset ${context.offset}; ` +
      'restore its folder from a copy, or delete the topic and fill it again.',
    { cause, context },
  );
}

export function closedError(): OutageError {
  return new OutageError('LOG_CLOSED', 'The log is closed; open it again.');
}

export function noTopic(topic: string): RefusedError {
  return new RefusedError('LOG_NO_TOPIC', `The log has no topic ${topic}; create it first.`, {
    context: { topic },
  });
}

/** What an error of the database means that came while `place` was read. Our own errors stay what they are. */
export function readFailure(error: unknown, place: LogPlace): JourneyGraphError {
  if (error instanceof JourneyGraphError) return error;
  const { code, reason, cause } = levelError(error);
  if (code === 'LEVEL_CORRUPTION') return damaged(place, cause);
  const { topic, partition, offset } = place;
  return new OutageError(
    'LOG_READ_FAILED',
    `The log could not be read at partition ${partition} of topic ${topic}, offset ${offset} (${reason}); check the disk.`,
    { cause, context: place },
  );
}

/** The same for writing; `place` is where the first of the records would have come, null for what concerns a topic as a whole. */
export function writeFailure(error: unknown, place: LogPlace | null): JourneyGraphError {
  if (error instanceof JourneyGraphError) return error;
  const { code, reason, cause } = levelError(error);
  if (code === 'LEVEL_CORRUPTION' && place !== null) return damaged(place, cause);
  const message = `The log could not be written (${reason}); check the disk and its free space.`;
  return new OutageError('LOG_WRITE_FAILED', message, {
    cause,
    ...(place === null ? {} : { context: place }),
  });
}

export function openFailure(folder: string, error: unknown): JourneyGraphError {
  if (error instanceof JourneyGraphError) return error;
  const { code, reason, cause } = levelError(error);
  if (code === 'LEVEL_LOCKED') {
    const message = `The log in ${folder} is in use by another process; stop that one first.`;
    return new StopError('LOG_LOCKED', message, { cause });
  }
  if (code === 'LEVEL_CORRUPTION') {
    const message = `The log in ${folder} is damaged (${reason}); restore it from a copy.`;
    return new StopError('LOG_CORRUPT', message, { cause });
  }
  return new OutageError('LOG_OPEN_FAILED', `The log in ${folder} could not be opened (${reason}).`, {
    cause,
  });
}

/** The database wraps what went wrong on opening into an error that says nothing. */
function levelError(error: unknown): {
  readonly code: unknown;
  readonly reason: string;
  readonly cause: unknown;
} {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return {
    code: cause instanceof Error && 'code' in cause ? cause.code : null,
    reason: cause instanceof Error ? cause.message : String(cause),
    cause,
  };
}
