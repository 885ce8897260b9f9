import type { GraphQLSchema } from 'graphql';

/** The type of nodes that GraphQL has no type for. */
export const otherNodeTypeName = 'OtherNode';

const names = new WeakMap<GraphQLSchema, ReadonlyMap<unknown, string>>();

/** What GraphQL calls nodes of this type of the graph, in this schema: each typed node says in `extensions` which type it is of. */
export function nodeTypeName(nodeType: string, schema: GraphQLSchema): string {
  const known = names.get(schema) ?? namesIn(schema);
  names.set(schema, known);
  return known.get(nodeType) ?? otherNodeTypeName;
}

function namesIn(schema: GraphQLSchema): ReadonlyMap<unknown, string> {
  const types = Object.values(schema.getTypeMap());
  return new Map(types.map(({ name, extensions }) => [extensions.nodeType, name]));
}
