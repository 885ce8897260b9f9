import { GraphQLError } from 'graphql';

/** One client, or all together, listen to as much as they may. */
export function tooManySubscriptions(): GraphQLError {
  return new GraphQLError('There are too many subscriptions; end others first, or try again later.', {
    extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' },
  });
}

export function needsSocket(): GraphQLError {
  return new GraphQLError(
    'A subscription needs a WebSocket: connect to /graphql with graphql-transport-ws.',
    {
      extensions: { code: 'SUBSCRIPTION_NEEDS_SOCKET' },
    },
  );
}
