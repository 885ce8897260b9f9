import { OutageError, StopError } from '../foundation/index.ts';

export function damaged(topic: { readonly topic: string }, partition: number, offset: bigint): StopError {
  return new StopError(
    'LOG_CORRUPT',
    `The log is damaged at partition ${partition} of topic ${topic.topic}, offset ${offset}; ` +
      'restore its folder from a copy, or delete the topic and fill it again.',
    { context: { topic: topic.topic, partition, offset } },
  );
}

export function closedError(): OutageError {
  return new OutageError('LOG_CLOSED', 'The log is closed; open it again.');
}

export function writeFailure(cause: unknown): OutageError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new OutageError(
    'LOG_WRITE_FAILED',
    `The log could not be written (${reason}); check the disk's free space.`,
    {
      cause,
    },
  );
}

export function openFailure(folder: string, error: unknown): StopError | OutageError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : '';
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (code === 'LEVEL_LOCKED') {
    return new StopError(
      'LOG_LOCKED',
      `The log in ${folder} is in use by another process; stop that one first.`,
      {
        cause,
      },
    );
  }
  if (code === 'LEVEL_CORRUPTION') {
    return new StopError(
      'LOG_CORRUPT',
      `The log in ${folder} is damaged (${reason}); restore it from a copy.`,
      {
        cause,
      },
    );
  }
  return new OutageError('LOG_OPEN_FAILED', `The log in ${folder} could not be opened (${reason}).`, {
    cause,
  });
}
