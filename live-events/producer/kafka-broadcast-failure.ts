import { OutageError } from '../../foundation/index.ts';

const causesMax = 8;

/** Whatever Kafka or its client said: broadcasts are tried again until somebody has put it right. */
export function topicUnreachable(attempt: string, cause: unknown): OutageError {
  const said: unknown =
    typeof cause === 'object' && cause !== null
      ? (Reflect.get(cause, 'type') ?? Reflect.get(cause, 'code') ?? Reflect.get(cause, 'name'))
      : cause;
  return new OutageError(
    'LIVE_TOPIC_UNREACHABLE',
    `Could not ${attempt} (${String(said)}); it is tried again. Check that the brokers answer and that this user may use the topic.`,
    { cause },
  );
}

/**
 * True of what only a person can put right, such as a refused login; everything else may settle by itself. kafkajs wraps what it gave up
 * retrying in an error that it calls not retriable, so the innermost counts.
 */
export function isRefusal(cause: unknown): boolean {
  let innermost = cause;
  for (
    let depth = 0;
    depth < causesMax && innermost instanceof Error && innermost.cause instanceof Error;
    depth += 1
  )
    innermost = innermost.cause;
  return innermost instanceof Error && Reflect.get(innermost, 'retriable') === false;
}
