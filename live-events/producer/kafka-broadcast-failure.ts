import { OutageError } from '../../foundation/index.ts';

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
