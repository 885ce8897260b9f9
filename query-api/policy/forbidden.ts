import { GraphQLError } from 'graphql';

/** What no scope of the caller allows; `what` is a name of the schema, so it tells nothing about the graph. */
export function forbidden(what: string): GraphQLError {
  return new GraphQLError(`No scope of your token allows \`${what}\`.`, {
    extensions: { code: 'FORBIDDEN', forbidden: what, http: { status: 403 } },
  });
}
