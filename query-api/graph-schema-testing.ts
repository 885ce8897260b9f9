import type { GraphSchema, NodeTypeSchema, PropertyKind, PropertySchema } from '../schemas/index.ts';

const by = { declaredBy: ['test-value'] };

/** `{ Account: { plan: 'text' } }` as the graph schema that says so. */
export function graphOf(
  types: Readonly<Record<string, Readonly<Record<string, PropertyKind>>>>,
): GraphSchema {
  return graphOfTypes(
    Object.entries(types).map(([name, properties]) => [name, Object.entries(properties)] as const),
  );
}

/** The same from lists, for names such as `__proto__`. */
export function graphOfTypes(
  types: readonly (readonly [string, readonly (readonly [string, PropertyKind])[]])[],
): GraphSchema {
  const nodeTypes = types.map(([name, properties]): NodeTypeSchema => {
    const declared = properties.map(
      ([property, kind]): PropertySchema => ({
        name: property,
        kind,
        many: false,
        fold: 'last',
        ...by,
      }),
    );
    return { name, idKind: 'text', properties: declared, ttlMs: null, ...by };
  });
  return { nodeTypes, edgeTypes: [], domains: [] };
}

/** As many types with as many properties each. */
export function largeGraph(types: number, properties: number): GraphSchema {
  const kinds = ['text', 'integer', 'number', 'timestamp'] as const;
  return graphOfTypes(
    Array.from({ length: types }, (_, type) => [
      `node_type_${type}`,
      Array.from({ length: properties }, (_, at) => [`property_${at}`, kinds[at % kinds.length] ?? 'text']),
    ]),
  );
}
