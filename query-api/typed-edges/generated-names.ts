import type { TypedPlan } from '../typed-plan.ts';

export function whereTypeName(typeName: string): string {
  return `${typeName}Where`;
}

/** What the types of one connection are called. */
export function connectionTypeNames(typeName: string): {
  readonly connection: string;
  readonly edge: string;
  readonly where: string;
} {
  return { connection: `${typeName}Connection`, edge: `${typeName}Edge`, where: whereTypeName(typeName) };
}

/** Names of types that a plan has beside those of its node types: no node type may take one of them away. */
export function generatedNames({ nodes }: TypedPlan): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { whereName, edges } of nodes) {
    if (whereName !== null) names.add(whereName);
    for (const { typeName } of edges) {
      for (const name of Object.values(connectionTypeNames(typeName))) names.add(name);
    }
  }
  return names;
}
