import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  type GraphQLSchema,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { forbidden } from './forbidden.ts';
import type { Grant } from './grant.ts';
import type { Reads } from './reads.ts';

/**
 * The first field of an operation that no scope of the caller allows; null when there is none. Looks at the operation and the
 * fragments it comes to, each once; the document has been validated.
 */
export function firstForbidden(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  grant: Grant,
): GraphQLError | null {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const info = new TypeInfo(schema);
  const waiting: (OperationDefinitionNode | FragmentDefinitionNode)[] = [operation];
  let found: GraphQLError | null = null;
  const visitor = visitWithTypeInfo(info, {
    Field: (node) => {
      found ??= refusal(schema, info, node, grant);
    },
    FragmentSpread: ({ name }) => {
      const fragment = fragments.get(name.value);
      fragments.delete(name.value);
      if (fragment !== undefined) waiting.push(fragment);
    },
  });
  for (let next = waiting.pop(); next !== undefined && found === null; next = waiting.pop())
    visit(next, visitor);
  return found;
}

function refusal(
  schema: GraphQLSchema,
  info: TypeInfo,
  { name }: FieldNode,
  grant: Grant,
): GraphQLError | null {
  const parent = info.getParentType();
  const field = info.getFieldDef();
  if (field == null || !isObjectType(parent) || name.value.startsWith('__')) return null;
  const { operation = field.name, nodeType, property, edgeType } = readsOf(field);
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  if (roots.includes(parent) && operation !== null && !grant.allows(operation)) return forbidden(field.name);
  const path = `${parent.name}.${field.name}`;
  if (nodeType !== undefined && grant.nodesOf(nodeType).length === 0) return forbidden(path);
  if (edgeType !== undefined && grant.edgesOf(edgeType) === null) return forbidden(path);
  const owner = readsOf(parent).nodeType;
  if (property === undefined || owner === undefined || grant.mayShow(owner, property)) return null;
  return forbidden(path);
}

function readsOf({ extensions }: { readonly extensions: object }): Reads {
  const reads = 'reads' in extensions ? extensions.reads : undefined;
  return isReads(reads) ? reads : {};
}

/** Only our own schema writes it. */
function isReads(value: unknown): value is Reads {
  return typeof value === 'object' && value !== null;
}
