import {
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isLeafType,
  isObjectType,
} from 'graphql';

const known = new WeakMap<GraphQLSchema, ReadonlySet<string>>();

/** Names of the types below which a field reads the store, so that planning need not go through the others. Found once for each schema. */
export function costlyTypes(schema: GraphQLSchema): ReadonlySet<string> {
  const found = known.get(schema) ?? findCostlyTypes(schema);
  known.set(schema, found);
  return found;
}

function findCostlyTypes(schema: GraphQLSchema): ReadonlySet<string> {
  const costly = new Set<string>();
  const above = new Map<string, string[]>();
  const leadsTo = (from: string, to: string): void => {
    const names = above.get(to) ?? [];
    names.push(from);
    above.set(to, names);
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (isAbstractType(type)) for (const one of schema.getPossibleTypes(type)) leadsTo(type.name, one.name);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const { type: below, extensions } of Object.values(type.getFields())) {
      const named = getNamedType(below);
      // Most fields are properties, below which there is nothing.
      if (!isLeafType(named)) leadsTo(type.name, named.name);
      if (extensions.cost !== undefined) costly.add(type.name);
    }
  }
  // Grows while it is gone through: each type comes once.
  for (const name of costly) for (const one of above.get(name) ?? []) costly.add(one);
  return costly;
}
